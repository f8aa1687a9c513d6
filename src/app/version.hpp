// The version of this build.
#pragma once

#include <string>

namespace narralytica::app {

// Semantic version, "0.1.0".
std::string Version();

}  // namespace narralytica::app
