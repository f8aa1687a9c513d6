// A recording's samples in a temporary file: recognition goes back and forth over them, memory does
// not grow with the recording.
#pragma once

#include <string>

#include "jobs/stage.hpp"
#include "media/media_service.hpp"
#include "platform/file.hpp"
#include "platform/objects/objects.hpp"
#include "transcript/transcriber.hpp"

namespace narralytica::transcript {

struct PreparedSound {
  platform::LocalObject audio;  // the FLAC that media prepared
  int64_t duration_ms = 0;
};

// The sound of the job's video.
Result<PreparedSound> FindSound(jobs::StageContext& context, platform::ObjectStore& objects);

class PcmFile final : public PcmReader {
 public:
  // Decodes the prepared sound into `folder`, which outlives the result. Errors are those of the
  // media service; kUnavailable when the disk is full.
  static Result<PcmFile> Decode(const media::MediaService& media, const PreparedSound& sound,
                                const std::string& folder, const Deadline& deadline);

  int64_t sample_count() const override { return samples_; }
  Result<std::vector<int16_t>> Read(int64_t start, size_t count) override;

 private:
  PcmFile(platform::FileDescriptor file, int64_t samples)
      : file_(std::move(file)), samples_(samples) {}
  platform::FileDescriptor file_;
  int64_t samples_;
};

}  // namespace narralytica::transcript
