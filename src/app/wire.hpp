// Entities as the wire contract (contracts/) shows them.
#pragma once

#include <nlohmann/json.hpp>

#include "jobs/job.hpp"

namespace narralytica::app {

nlohmann::ordered_json JobJson(const jobs::Job& job);

}  // namespace narralytica::app
