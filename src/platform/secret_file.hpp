// A secret that a file holds: a password, an API key.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace narralytica::platform {

// The file's content without line breaks at its end. kDenied when others may read the file, with
// `what` as the thing named ("the password file of the database"); kLimited when it is no secret
// but something long.
Result<std::string> ReadSecretFile(const std::string& path, std::string_view what);

}  // namespace narralytica::platform
