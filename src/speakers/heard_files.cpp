#include "speakers/heard_files.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "platform/file.hpp"

namespace narralytica::speakers {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kChunkBytesMax = int64_t{16} << 20;
constexpr std::chrono::hours kLeftoversKept{7 * 24};
constexpr size_t kHashDigits = 16;

void SweepLeftovers(const std::string& parent) {
  std::error_code error;
  const auto oldest = fs::file_time_type::clock::now() - kLeftoversKept;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    std::error_code ignored;
    if (entry.last_write_time(ignored) < oldest) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

Result<HeardFiles> HeardFiles::Open(const std::string& parent, const JobId& job,
                                    const std::string& model_hash) {
  SweepLeftovers(parent);
  const std::string folder =
      fmt::format("{}/{}-{}", parent, job.str(), model_hash.substr(0, kHashDigits));
  NRL_CHECK(platform::CreateFolders(folder));
  return HeardFiles(folder);
}

std::string HeardFiles::PathOf(int64_t chunk) const {
  return fmt::format("{}/{}.voices", folder_, chunk);
}

std::optional<VoiceChunk> HeardFiles::Load(int64_t chunk) const {
  const auto bytes = platform::ReadFile(PathOf(chunk), kChunkBytesMax);
  if (!bytes) return std::nullopt;
  auto heard = UnpackVoiceChunk({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()});
  if (!heard) return std::nullopt;
  return std::move(*heard);
}

Status HeardFiles::Keep(int64_t chunk, const VoiceChunk& heard) const {
  const std::vector<uint8_t> bytes = PackVoiceChunk(heard);
  return platform::WriteFileAtomically(PathOf(chunk), std::span<const uint8_t>(bytes));
}

void HeardFiles::Forget() const {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace narralytica::speakers
