#include "transcript/whisper_recognition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ranges>

#include "base/hash.hpp"
#include "transcript/missed_speech.hpp"
#include "transcript/word_alignment.hpp"

namespace narralytica::transcript {
namespace {

constexpr int64_t kFrameMs = 20;
constexpr size_t kRoundsMax = 4;
// What is found by looking again must be at least this likely.
constexpr float kAgainLogprobMin = -0.8f;

// A word outside all speech (grown by this much) must be this sure of itself.
constexpr int64_t kSpeechSlackMs = 300;
constexpr double kOutsideConfidenceMin = 0.6;

int64_t OverlapMs(const TimeRange& a, const TimeRange& b) {
  return std::max<int64_t>(0, std::min(a.end_ms, b.end_ms) - std::max(a.start_ms, b.start_ms));
}

uint64_t SeedOf(std::span<const float> samples) {
  const std::string hex = Sha256Hex(
      std::span(reinterpret_cast<const uint8_t*>(samples.data()), samples.size() * sizeof(float)));
  return std::stoull(hex.substr(0, 16), nullptr, 16);
}

std::string TrimSpaces(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

// A stretch of one of the caller's windows.
struct WhisperRecognition::Piece {
  size_t window = 0;
  int64_t offset_ms = 0;
  bool again = false;  // speech that an earlier round left out
  std::span<const float> samples;
  std::vector<TimeRange> speech;  // from the piece's beginning

  int64_t length_ms() const { return int64_t(samples.size()) / kSamplesPerMs; }
};

struct WhisperRecognition::PieceResult {
  DecodedWindow decoded;
  std::vector<Word> words;  // from the piece's beginning
};

namespace {

// Keeps a word inside speech: a pause that the alignment gave to a word is taken off again.
void ClampToSpeech(const std::vector<TimeRange>& speech, Word& word) {
  const TimeRange own{word.start_ms, word.end_ms};
  const auto best = std::ranges::max_element(
      speech, {}, [&](const TimeRange& range) { return OverlapMs(range, own); });
  if (best == speech.end() || OverlapMs(*best, own) == 0) return;
  word.start_ms = std::max(word.start_ms, best->start_ms);
  word.end_ms = std::min(word.end_ms, best->end_ms);
}

// Puts the words of a piece where they belong among those of its window. Words already there make
// room, unless there are as many.
bool Place(const WhisperRecognition::Piece& piece, const std::vector<Word>& found,
           std::vector<Word>& words) {
  const TimeRange room{piece.offset_ms, piece.offset_ms + piece.length_ms()};
  const auto inside = [&](const Word& word) {
    return OverlapMs(room, {word.start_ms, word.end_ms}) > 0;
  };
  if (size_t(std::ranges::count_if(words, inside)) >= found.size()) return false;
  std::erase_if(words, inside);
  const auto at = std::ranges::lower_bound(words, room.start_ms, {}, &Word::start_ms);
  auto inserted = words.insert(at, found.begin(), found.end());
  for (size_t i = 0; i < found.size(); ++i, ++inserted) {
    inserted->start_ms += piece.offset_ms;
    inserted->end_ms += piece.offset_ms;
  }
  return true;
}

// Words that crowd at a window's end, or lie behind it, make room before it: at least 1 ms each,
// none over another.
void KeepInside(int64_t length_ms, std::vector<Word>& words) {
  int64_t limit_ms = length_ms;
  for (Word& word : std::views::reverse(words)) {
    word.end_ms = std::min(word.end_ms, limit_ms);
    word.start_ms = std::min(word.start_ms, word.end_ms - 1);
    limit_ms = word.start_ms;
  }
}

bool IsDoubtful(const std::vector<TimeRange>& speech, const Word& word) {
  if (word.confidence >= kOutsideConfidenceMin) return false;
  return std::ranges::none_of(speech, [&](const TimeRange& range) {
    return OverlapMs({range.start_ms - kSpeechSlackMs, range.end_ms + kSpeechSlackMs},
                     {word.start_ms, word.end_ms}) > 0;
  });
}

}  // namespace

Result<EncodedWindows> WhisperRecognition::Encode(std::span<const Piece> pieces,
                                                  const Deadline& deadline) const {
  std::vector<size_t> samples;
  for (const Piece& piece : pieces) samples.push_back(piece.samples.size());
  EncodedWindows encoded = model_.Prepare(samples);
  const auto encode = [&](size_t i) -> Status {
    NRL_CHECK(deadline.Check("recognition"));
    return model_.Encode(pieces[i].samples, i, encoded);
  };
  NRL_CHECK(slots_.ForEach(pieces.size(), encode));
  return encoded;
}

std::vector<Word> WhisperRecognition::WordsOf(const Piece& piece, const DecodedWindow& decoded,
                                              std::span<const int64_t> token_frames) const {
  const WhisperConfig& config = model_.config();
  std::vector<Token> text;
  std::vector<double> probabilities;
  for (size_t i = 0; i < decoded.tokens.size(); ++i) {
    if (!config.IsText(decoded.tokens[i])) continue;
    text.push_back(decoded.tokens[i]);
    probabilities.push_back(std::exp(double(decoded.log_probs[i])));
  }
  std::vector<Word> words;
  int64_t last_ms = 0;
  for (const WordTokens& split : SplitWords(config, decoded.language, text)) {
    Word word;
    word.text = TrimSpaces(split.text);
    word.start_ms = std::max(last_ms, token_frames[split.begin] * kFrameMs);
    word.end_ms = std::min(token_frames[split.end] * kFrameMs, piece.length_ms());
    for (size_t i = split.begin; i < split.end; ++i) word.confidence += probabilities[i];
    word.confidence /= double(split.end - split.begin);
    ClampToSpeech(piece.speech, word);
    word.end_ms = std::max(word.end_ms, word.start_ms + 1);
    if (word.text.empty() || IsDoubtful(piece.speech, word)) continue;
    last_ms = word.end_ms;
    words.push_back(std::move(word));
  }
  KeepInside(piece.length_ms(), words);
  return words;
}

// One teacher-forced pass over the batch: prompt, no-timestamps, text, end.
Status WhisperRecognition::AlignWords(std::span<const Piece> pieces, const EncodedWindows& encoded,
                                      std::vector<PieceResult>& results) const {
  const WhisperConfig& config = model_.config();
  std::vector<std::vector<Token>> sequences(pieces.size());
  size_t longest = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    sequences[i] = WhisperPrompt(config, results[i].decoded.language);
    sequences[i].push_back(config.no_timestamps);
    std::ranges::copy_if(results[i].decoded.tokens, std::back_inserter(sequences[i]),
                         [&](Token token) { return config.IsText(token); });
    sequences[i].push_back(config.end_of_text);
    longest = std::max(longest, sequences[i].size());
  }
  std::vector<Token> tokens;
  for (size_t row = 0; row < encoded.rows(); ++row) {
    const auto& sequence = sequences[encoded.window[row]];
    tokens.insert(tokens.end(), sequence.begin(), sequence.end());
    tokens.resize((row + 1) * longest, config.end_of_text);
  }
  NRL_TRY(const std::vector<float> weights, model_.Align(tokens, encoded));
  const size_t row_size = weights.size() / encoded.rows();
  for (size_t row = 0; row < encoded.rows(); ++row) {
    const size_t i = encoded.window[row];
    const size_t prompt = WhisperPrompt(config, results[i].decoded.language).size();
    if (sequences[i].size() <= prompt + 2) continue;  // no text
    const AttentionView view{
        .weights = std::span(weights).subspan(row * row_size, row_size),
        .heads = config.alignment_heads,
        .token_stride = longest,
        .frame_stride = encoded.places,
        .tokens = sequences[i].size(),
        .frames =
            std::min(size_t((pieces[i].length_ms() + kFrameMs - 1) / kFrameMs), config.frames_max)};
    results[i].words = WordsOf(pieces[i], results[i].decoded, TokenFrames(view, prompt));
  }
  return {};
}

Result<std::vector<WhisperRecognition::PieceResult>> WhisperRecognition::RunRound(
    std::span<const Piece> pieces, const WhisperSettings& settings,
    const Deadline& deadline) const {
  NRL_TRY(EncodedWindows encoded, Encode(pieces, deadline));
  DecodeRequest request{settings.language, settings.prior, {}, {}};
  for (const Piece& piece : pieces) {
    request.end_ms.push_back(piece.length_ms());
    request.seeds.push_back(SeedOf(piece.samples));
  }
  NRL_TRY(std::vector<DecodedWindow> decoded, decoder_.Decode(request, encoded, deadline));
  std::vector<PieceResult> results(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) results[i].decoded = std::move(decoded[i]);
  NRL_CHECK(AlignWords(pieces, encoded, results));
  return results;
}

// Pieces for the speech of `piece` that `words` do not account for.
std::vector<WhisperRecognition::Piece> WhisperRecognition::Missed(
    const Piece& piece, const std::vector<Word>& words) const {
  std::vector<Piece> missed;
  for (const TimeRange& hole : FindMissedSpeech(words, piece.speech)) {
    // A hole as long as the piece itself was just looked at.
    if (hole.duration_ms() * 10 > piece.length_ms() * 9) continue;
    Piece& again = missed.emplace_back();
    again.window = piece.window;
    again.offset_ms = piece.offset_ms + hole.start_ms;
    again.again = true;
    again.samples = piece.samples.subspan(size_t(hole.start_ms * kSamplesPerMs),
                                          size_t(hole.duration_ms() * kSamplesPerMs));
    for (const TimeRange& range : piece.speech) {
      const TimeRange inside{std::max(range.start_ms, hole.start_ms) - hole.start_ms,
                             std::min(range.end_ms, hole.end_ms) - hole.start_ms};
      if (inside.duration_ms() > 0) again.speech.push_back(inside);
    }
  }
  return missed;
}

Result<std::vector<RecognizedWindow>> WhisperRecognition::Recognize(
    std::span<const WhisperWindow> windows, const WhisperSettings& settings,
    const Deadline& deadline) const {
  const ComputeSlots::Hold hold(slots_);
  std::vector<RecognizedWindow> recognized(windows.size());
  std::vector<Piece> pieces;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].samples.size() < size_t(kFrameMs * kSamplesPerMs)) continue;
    pieces.push_back({i, 0, false, windows[i].samples, windows[i].speech});
  }
  for (size_t round = 0; round < kRoundsMax && !pieces.empty(); ++round) {
    pieces.resize(std::min(pieces.size(), RecognitionBatch::kBatchWindowsMax));
    NRL_TRY(const auto results, RunRound(pieces, settings, deadline));
    std::vector<Piece> again;
    for (size_t i = 0; i < pieces.size(); ++i) {
      const DecodedWindow& decoded = results[i].decoded;
      RecognizedWindow& window = recognized[pieces[i].window];
      if (!pieces[i].again) {
        window = {decoded.language,
                  decoded.language_probability,
                  decoded.no_speech_prob,
                  decoded.avg_logprob,
                  decoded.compression_ratio,
                  decoded.temperature,
                  {}};
      } else if (decoded.avg_logprob < kAgainLogprobMin) {
        continue;
      }
      if (!Place(pieces[i], results[i].words, window.words)) continue;
      std::ranges::move(Missed(pieces[i], results[i].words), std::back_inserter(again));
    }
    pieces = std::move(again);
  }
  return recognized;
}

}  // namespace narralytica::transcript
