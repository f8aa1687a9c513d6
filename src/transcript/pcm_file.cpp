#include "transcript/pcm_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "media/video_store.hpp"

namespace narralytica::transcript {
namespace {

Status WriteSamples(int fd, std::span<const int16_t> samples) {
  const auto* bytes = reinterpret_cast<const char*>(samples.data());
  size_t left = samples.size_bytes();
  while (left > 0) {
    const ssize_t put = write(fd, bytes, left);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Fail(platform::ErrnoError("the sound of the recording", errno));
    bytes += put;
    left -= static_cast<size_t>(put);
  }
  return {};
}

}  // namespace

Result<PreparedSound> FindSound(jobs::StageContext& context, platform::ObjectStore& objects) {
  PreparedSound sound;
  NRL_TRY(const media::Artifact audio, context.Read([&](access::Tx& tx) -> Result<media::Artifact> {
    NRL_TRY(const media::Video video, media::GetVideo(tx, context.job().video));
    sound.duration_ms = video.duration_ms.value_or(0);
    return media::ArtifactOf(tx, context.job().video, "audio");
  }));
  NRL_TRY(sound.audio, objects.Locate(audio.object.key));
  return sound;
}

Result<PcmFile> PcmFile::Decode(const media::MediaService& media, const PreparedSound& sound,
                                const std::string& folder, const Deadline& deadline) {
  const std::string path = folder + "/sound.pcm";
  platform::FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(platform::ErrnoError("the sound of the recording", errno));
  NRL_TRY(const int64_t samples, media.StreamPcm({.path = sound.audio.path,
                                                  .offset_bytes = sound.audio.offset_bytes,
                                                  .range = {0, sound.duration_ms + 1}},
                                                 deadline, [&](std::span<const int16_t> piece) {
                                                   return WriteSamples(file.get(), piece);
                                                 }));
  return PcmFile(std::move(file), samples);
}

Result<std::vector<int16_t>> PcmFile::Read(int64_t start, size_t count) {
  NRL_ASSERT(start >= 0 && start + static_cast<int64_t>(count) <= samples_);
  std::vector<int16_t> samples(count);
  auto* bytes = reinterpret_cast<char*>(samples.data());
  size_t left = count * sizeof(int16_t);
  auto at = static_cast<off_t>(start) * static_cast<off_t>(sizeof(int16_t));
  while (left > 0) {
    const ssize_t got = pread(file_.get(), bytes, left, at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Fail(platform::ErrnoError("the sound of the recording", errno));
    bytes += got;
    at += got;
    left -= static_cast<size_t>(got);
  }
  return samples;
}

}  // namespace narralytica::transcript
