// Recognition of a batch of windows by Whisper: the engine side of op "transcribe".
//
// Rounds: every window is encoded, decoded and aligned to words; speech that the words do not
// account for, because the model stopped early or skipped it, is looked at again by itself in the
// next round (the reference's seek-back, for gaps too). Words far from any speech that the model
// doubts are dropped: silence never becomes words.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "transcript/compute_slots.hpp"
#include "transcript/recognizer.hpp"
#include "transcript/whisper_decoder.hpp"

namespace narralytica::transcript {

struct WhisperWindow {
  std::vector<float> samples;     // -1..1
  std::vector<TimeRange> speech;  // inside the window, from its beginning
};

struct WhisperSettings {
  std::string language;  // a code, or empty: detect
  LanguageWeights prior;
};

class WhisperRecognition {
 public:
  WhisperRecognition(const WhisperModel& model, ComputeSlots& slots)
      : model_(model), decoder_(model), slots_(slots) {}

  // A function of its arguments and the model; not of threads or of other calls. Thread-safe.
  // kInvalid for a language that the model does not speak.
  Result<std::vector<RecognizedWindow>> Recognize(std::span<const WhisperWindow> windows,
                                                  const WhisperSettings& settings,
                                                  const Deadline& deadline) const;

  struct Piece;  // of the source file alone

 private:
  struct PieceResult;
  Result<std::vector<PieceResult>> RunRound(std::span<const Piece> pieces,
                                            const WhisperSettings& settings,
                                            const Deadline& deadline) const;
  Result<EncodedWindows> Encode(std::span<const Piece> pieces, const Deadline& deadline) const;
  Status AlignWords(std::span<const Piece> pieces, const EncodedWindows& encoded,
                    std::vector<PieceResult>& results) const;
  std::vector<Word> WordsOf(const Piece& piece, const DecodedWindow& decoded,
                            std::span<const int64_t> token_frames) const;

  std::vector<Piece> Missed(const Piece& piece, const std::vector<Word>& words) const;

  const WhisperModel& model_;
  WhisperDecoder decoder_;
  ComputeSlots& slots_;
};

}  // namespace narralytica::transcript
