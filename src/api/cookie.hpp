// The session's cookie.
#pragma once

#include <string_view>

namespace narralytica::api {

inline constexpr std::string_view kSessionCookie = "narralytica_session";

}  // namespace narralytica::api
