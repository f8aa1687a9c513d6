#include "app/version.hpp"

namespace narralytica::app {

std::string Version() { return NRL_VERSION; }

}  // namespace narralytica::app
