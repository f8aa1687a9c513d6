// Sound in, speakers and their turns out.
//
// Memory grows by about 12 MB an hour of sound. Same sound, model and options: same result, whoever
// computed which chunk.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "speakers/turns.hpp"
#include "speakers/voices.hpp"
#include "transcript/transcriber.hpp"

namespace narralytica::speakers {

struct VoiceModelInfo {
  std::string model;  // "community-1"
  std::string model_hash;
};

// Whoever runs the models.
class VoiceListener {
 public:
  virtual ~VoiceListener() = default;
  virtual Result<VoiceModelInfo> Describe(const Deadline& deadline) = 0;
  virtual Result<VoiceChunk> Hear(const VoiceRequest& request, const Deadline& deadline) = 0;
};

struct DiarizeOptions {
  VoiceCount count;
  TurnRules turns;
  // What an earlier attempt has heard, if it is still there; and what to do with a chunk just
  // heard.
  std::function<std::optional<VoiceChunk>(int64_t chunk)> heard_before;
  std::function<Status(int64_t chunk, const VoiceChunk& heard)> chunk_done;
  std::function<void(double fraction)> progress;
};

struct Speaker {
  Voice voice;
  int64_t speech_ms = 0;
};

struct Diarization {
  VoiceModelInfo model;
  std::string settings_hash;
  std::vector<Speaker> speakers;  // in the order in which they first speak
  std::vector<Turn> turns;
};

// Errors are the reader's, the listener's and the options' own.
Result<Diarization> Diarize(transcript::PcmReader& reader, VoiceListener& listener,
                            const DiarizeOptions& options, const Deadline& deadline);

// Of everything but the model that the result depends on.
std::string DiarizeSettingsHash(const DiarizeOptions& options);

}  // namespace narralytica::speakers
