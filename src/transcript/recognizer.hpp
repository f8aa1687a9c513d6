// The port of recognition: windows of speech in, words with times out.
//
// Place in the flow: Transcriber cuts a recording into windows and hands them over in batches;
// a Recognizer turns a batch into text. Two engines stand behind it, Whisper and any sherpa-onnx
// model, both in the engine process; ConnectRecognizer (engine_recognizer.hpp) reaches them.
//
// What every implementation guarantees: the result of a batch is a function of the batch, the
// model and the settings alone, so that a batch done again after a crash gives the same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace narralytica::transcript {

inline constexpr int64_t kSampleRate = 16000;
inline constexpr int64_t kSamplesPerMs = kSampleRate / 1000;

struct Word {
  int64_t start_ms = 0;
  int64_t end_ms = 0;     // after start_ms
  std::string text;       // without surrounding spaces, punctuation included
  double confidence = 0;  // mean probability of its tokens, 0 to 1

  bool operator==(const Word&) const = default;
};

// A contiguous stretch of the recording, with the speech found in it.
struct SpeechWindow {
  TimeRange range;                // in the recording
  std::vector<TimeRange> speech;  // in the recording, ordered, inside `range`
};

// What an engine made of one window. Times count from the window's beginning.
struct RecognizedWindow {
  std::string language;
  double language_probability = 0;
  double no_speech_prob = 0;
  double avg_logprob = 0;
  double compression_ratio = 0;
  double temperature = 0;
  std::vector<Word> words;  // ordered, non-overlapping, inside the window
};

// Seconds of speech known to be in each language, from earlier parts of the recording.
using LanguagePrior = std::map<std::string, double>;

struct RecognitionBatch {
  std::span<const SpeechWindow> windows;          // at most kBatchWindowsMax
  std::vector<std::span<const int16_t>> samples;  // of each window, 16 kHz mono
  LanguagePrior prior;

  static constexpr size_t kBatchWindowsMax = 8;
};

struct RecognizerInfo {
  std::string engine;  // "whisper" or "sherpa-onnx"
  std::string model;   // "whisper-base"
  std::string model_hash;
  std::string word_times;  // "aligned", or "estimated" when the model has none
};

// Thread-safe.
class Recognizer {
 public:
  virtual ~Recognizer() = default;
  // kNotFound when the model is not installed.
  virtual Result<RecognizerInfo> Describe(const Deadline& deadline) = 0;
  // One result a window, in order. kUnavailable when the engine is down or died meanwhile (try
  // again), kLimited with reason "resource" when it is out of memory (try with fewer windows).
  virtual Result<std::vector<RecognizedWindow>> Recognize(const RecognitionBatch& batch,
                                                          const Deadline& deadline) = 0;
};

// True for languages written without spaces between words (zh ja th lo my yue).
bool WrittenWithoutSpaces(std::string_view language);

void to_json(nlohmann::json& json, const Word& word);
void from_json(const nlohmann::json& json, Word& word);
void to_json(nlohmann::json& json, const RecognizedWindow& window);
void from_json(const nlohmann::json& json, RecognizedWindow& window);

}  // namespace narralytica::transcript
