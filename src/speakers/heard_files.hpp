// What an attempt at a diarization has heard, in files: one a chunk, in a folder of the job's own.
//
// The bytes depend on sound and model alone, so that an attempt that lost its lease can write what
// it likes. A file that cannot be read is as good as none. Folders that no job came back for go
// after a week. Errors are those of the disk.
#pragma once

#include <optional>
#include <string>

#include "base/id.hpp"
#include "speakers/voice_chunk.hpp"

namespace narralytica::speakers {

class HeardFiles {
 public:
  // `parent` is all jobs'; `model_hash` sets apart what another model heard.
  static Result<HeardFiles> Open(const std::string& parent, const JobId& job,
                                 const std::string& model_hash);

  std::optional<VoiceChunk> Load(int64_t chunk) const;
  Status Keep(int64_t chunk, const VoiceChunk& heard) const;
  void Forget() const;

 private:
  explicit HeardFiles(std::string folder) : folder_(std::move(folder)) {}
  std::string PathOf(int64_t chunk) const;
  std::string folder_;
};

}  // namespace narralytica::speakers
