// /api/v1/people, /api/v1/identity-events and what is said of speakers. The command line answers
// with the same functions on a data folder.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/router.hpp"
#include "index/index.hpp"
#include "jobs/queue.hpp"

namespace narralytica::api {

struct PeopleParts {
  platform::Database& database;
  jobs::Queue& queue;
  index::Index& index;
  Environment environment;
  std::string voices_folder;  // where broken-off diarizations keep what they heard
};

std::vector<Route> PeopleRoutes(const PeopleParts& parts);

}  // namespace narralytica::api
