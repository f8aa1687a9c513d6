// Recording in, raw transcript out: VAD, windows, batches, recognition, with checkpoints.
//
// Memory does not grow with the audio: it is pulled through PcmReader as needed. A batch's
// boundaries follow from the audio alone and its result from the batch and those well before it,
// so that a run resumed from its checkpoint ends in the same bytes as one never disturbed. A batch
// that the engine has not the memory for is halved, down to single windows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "transcript/recognizer.hpp"
#include "transcript/speech.hpp"
#include "transcript/vad_model.hpp"
#include "transcript/windows.hpp"

namespace narralytica::transcript {

// 16 kHz mono samples of a whole recording. Used from one thread.
class PcmReader {
 public:
  virtual ~PcmReader() = default;
  virtual int64_t sample_count() const = 0;
  // Samples [start, start + count), which lie inside the recording. May go back as far as the
  // audio of the batches in flight, about ten minutes.
  virtual Result<std::vector<int16_t>> Read(int64_t start, size_t count) = 0;
};

// Speech probabilities of consecutive frames of 512 samples; the engine's op "vad". Thread-safe
// for different states.
class SpeechDetector {
 public:
  virtual ~SpeechDetector() = default;
  virtual Result<std::vector<float>> Detect(std::span<const int16_t> samples, VadState& state,
                                            const Deadline& deadline) = 0;
};

struct TranscribeOptions {
  std::string language;  // a code, or empty: detect per window
  // Batches done by earlier runs, as given to `batch_done`. Those of the same model, settings and
  // windows are not computed again; what is of others is left out.
  std::vector<nlohmann::json> checkpoint;
  // Called before a batch is recognised, not for one of the checkpoint.
  std::function<void(const TimeRange& range)> batch_started;
  // Called as soon as a batch is done, with what a later run needs; one that takes long does not
  // hold up those behind it. An error ends the run.
  std::function<Status(const nlohmann::json& batch)> batch_done;
  // Share of the recording that is done, 0 to 1; never falls.
  std::function<void(double fraction)> progress;
};

struct TranscribedWindow {
  TimeRange range;
  std::string language;
  double language_probability = 0;
  std::vector<Word> words;  // times from the recording's beginning
};

struct RawTranscript {
  std::string language;  // spoken longest; empty when there are no words
  std::vector<TranscribedWindow> windows;
  RecognizerInfo recognizer;
  std::string settings_hash;
  int64_t speech_ms = 0;
  int64_t halved_batches = 0;  // for which the engine had not the memory at once
};

class Transcriber {
 public:
  Transcriber(Recognizer& recognizer, SpeechDetector& detector)
      : recognizer_(recognizer), detector_(detector) {}

  // Errors are those of the reader, the recognizer and `batch_done`.
  Result<RawTranscript> Run(PcmReader& reader, const TranscribeOptions& options,
                            const Deadline& deadline);

 private:
  Recognizer& recognizer_;
  SpeechDetector& detector_;
};

// The settings that decide a transcript's bytes, besides audio and model.
std::string TranscribeSettingsHash(const std::string& language);

// All that decides a batch's bytes, besides its windows and their sound: model and settings. A
// checkpoint carries it as `made_by`.
std::string MadeBy(const RecognizerInfo& recognizer, const std::string& settings_hash);

}  // namespace narralytica::transcript
