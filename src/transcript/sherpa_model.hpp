// Recognition by sherpa-onnx: the second engine, for models that have their own decoder there.
//
// The C API is loaded with dlopen, so that only the engine process ever maps it. It ends the
// process on a model it cannot read, which is why models run in the engine alone. Supported
// folders: Moonshine (encoder_model.ort, decoder_model_merged.ort, tokens.txt).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "transcript/recognizer.hpp"

namespace narralytica::transcript {

class SherpaModel {
 public:
  // Whether `model_dir` holds a model for this engine.
  static bool IsIn(const std::string& model_dir);
  // kUnavailable when the library cannot be loaded, kCorrupt for an incomplete folder.
  static Result<std::unique_ptr<SherpaModel>> Open(const std::string& library_path,
                                                   const std::string& model_dir);
  ~SherpaModel();
  SherpaModel(const SherpaModel&) = delete;
  SherpaModel& operator=(const SherpaModel&) = delete;

  // Transcribes one window. The model gives no times: words are spread over the `speech` ranges of
  // the window by their length. Thread-safe.
  Result<RecognizedWindow> Recognize(std::span<const float> samples,
                                     std::span<const TimeRange> speech) const;

 private:
  struct Impl;
  explicit SherpaModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The words of `text` with times spread over `speech` in proportion to their characters.
std::vector<Word> SpreadWords(const std::string& text, std::span<const TimeRange> speech);

}  // namespace narralytica::transcript
