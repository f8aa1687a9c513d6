#include "platform/secret_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "platform/file.hpp"

namespace narralytica::platform {
namespace {

constexpr int64_t kSecretFileBytesMax = 4'096;

}  // namespace

Result<std::string> ReadSecretFile(const std::string& path, std::string_view what) {
  struct stat status{};
  if (stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return Fail(ErrorCode::kDenied, fmt::format("others may read {}", what), "chmod 600 " + path);
  }
  NRL_TRY(std::string secret, ReadFile(path, kSecretFileBytesMax));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return secret;
}

}  // namespace narralytica::platform
