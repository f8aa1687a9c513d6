#include "transcript/word_alignment.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/result.hpp"
#include "transcript/recognizer.hpp"

namespace narralytica::transcript {
namespace {

constexpr size_t kMedianWidth = 7;

// Punctuation that belongs to the word after it, and to the word before it.
constexpr std::array<std::string_view, 8> kOpening{"\"", "'", "“", "¿", "(", "[", "{", "-"};
constexpr std::array<std::string_view, 18> kClosing{"\"", "'",  ".", "。", ",",  "，",
                                                    "!",  "！", "?", "？", ":",  "：",
                                                    "”",  ")",  "]", "}",  "、", "…"};

template <size_t kCount>
bool Among(const std::array<std::string_view, kCount>& set, std::string_view text) {
  return std::ranges::find(set, text) != set.end();
}

std::string_view WithoutSpace(std::string_view text) {
  return text.starts_with(' ') ? text.substr(1) : text;
}

bool IsCompleteUtf8(std::string_view bytes) { return ValidUtf8(bytes) == bytes; }

// Runs of tokens that together are whole characters.
std::vector<WordTokens> SplitCharacters(const WhisperConfig& config,
                                        std::span<const Token> tokens) {
  std::vector<WordTokens> runs;
  WordTokens open;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (open.begin == open.end) open = {{}, i, i};
    open.text += config.pieces[size_t(tokens[i])];
    open.end = i + 1;
    if (IsCompleteUtf8(open.text)) {
      runs.push_back(std::move(open));
      open = {};
    }
  }
  if (open.begin != open.end) {
    open.text = ValidUtf8(open.text);
    runs.push_back(std::move(open));
  }
  return runs;
}

void Append(WordTokens& word, const WordTokens& more) {
  word.text += more.text;
  word.end = more.end;
}

std::vector<WordTokens> JoinAtSpaces(const std::vector<WordTokens>& runs) {
  std::vector<WordTokens> words;
  for (const WordTokens& run : runs) {
    if (words.empty() || run.text.starts_with(' ')) {
      words.push_back(run);
    } else {
      Append(words.back(), run);
    }
  }
  return words;
}

// Opening punctuation joins what follows, closing punctuation what precedes.
std::vector<WordTokens> JoinPunctuation(const std::vector<WordTokens>& words) {
  std::vector<WordTokens> joined;
  bool opening = false;
  for (const WordTokens& word : words) {
    const std::string_view bare = WithoutSpace(word.text);
    if (!joined.empty() && (opening || Among(kClosing, bare))) {
      Append(joined.back(), word);
    } else {
      joined.push_back(word);
    }
    opening = word.text.starts_with(' ') && Among(kOpening, bare);
  }
  return joined;
}

void Sort(float& a, float& b) {
  const float low = b < a ? b : a;
  b = b < a ? a : b;
  a = low;
}

// The middle of seven, by Devillard's network: without branches, so that frames go side by side.
float Median(std::array<float, kMedianWidth> p) {
  Sort(p[0], p[5]), Sort(p[0], p[3]), Sort(p[1], p[6]), Sort(p[2], p[4]), Sort(p[0], p[1]);
  Sort(p[3], p[5]), Sort(p[2], p[6]), Sort(p[2], p[3]), Sort(p[3], p[6]), Sort(p[4], p[5]);
  Sort(p[1], p[4]), Sort(p[1], p[3]), Sort(p[3], p[4]);
  return p[3];
}

// Median over 7 frames, the ends mirrored.
void MedianFilter(std::span<const float> in, std::span<float> out) {
  const auto size = std::ptrdiff_t(in.size());
  constexpr std::ptrdiff_t kHalf = kMedianWidth / 2;
  std::vector<float> mirrored(in.size() + kMedianWidth - 1);
  for (std::ptrdiff_t i = -kHalf; i < size + kHalf; ++i) {
    std::ptrdiff_t at = std::abs(i);
    if (at >= size) at = std::max<std::ptrdiff_t>(0, 2 * (size - 1) - at);
    mirrored[size_t(i + kHalf)] = in[size_t(std::min(at, size - 1))];
  }
  for (size_t i = 0; i < out.size(); ++i) {
    const float* p = &mirrored[i];
    out[i] = Median({p[0], p[1], p[2], p[3], p[4], p[5], p[6]});
  }
}

// One head's attention, softmaxed over the audio frames and standardised over the tokens.
std::vector<float> Standardise(const AttentionView& attention, size_t head) {
  const size_t frames = attention.frames;
  std::vector<float> rows(attention.tokens * frames);
  for (size_t token = 0; token < attention.tokens; ++token) {
    const auto from = attention.weights.subspan(
        (head * attention.token_stride + token) * attention.frame_stride, frames);
    float sum = 0;
    for (const float value : from) sum += value;
    const float scale = 1 / std::max(sum, 1e-9f);
    for (size_t f = 0; f < frames; ++f) rows[token * frames + f] = from[f] * scale;
  }
  std::vector<float> mean(frames, 0.0f);
  std::vector<float> square(frames, 0.0f);
  for (size_t row = 0; row < rows.size(); row += frames) {
    for (size_t f = 0; f < frames; ++f) mean[f] += rows[row + f];
  }
  for (float& value : mean) value /= float(attention.tokens);
  for (size_t row = 0; row < rows.size(); row += frames) {
    for (size_t f = 0; f < frames; ++f) {
      const float off = rows[row + f] - mean[f];
      square[f] += off * off;
    }
  }
  for (float& value : square) value = std::sqrt(value / float(attention.tokens)) + 1e-8f;
  for (size_t row = 0; row < rows.size(); row += frames) {
    for (size_t f = 0; f < frames; ++f) rows[row + f] = (rows[row + f] - mean[f]) / square[f];
  }
  return rows;
}

}  // namespace

std::vector<WordTokens> SplitWords(const WhisperConfig& config, const std::string& language,
                                   std::span<const Token> tokens) {
  const auto runs = SplitCharacters(config, tokens);
  return JoinPunctuation(WrittenWithoutSpaces(language) ? runs : JoinAtSpaces(runs));
}

std::vector<int64_t> TokenFrames(const AttentionView& attention, size_t prompt) {
  NRL_ASSERT(attention.frames > 0 && attention.tokens >= prompt + 2);
  const size_t frames = attention.frames;
  const size_t rows = attention.tokens - prompt - 1;  // a row predicts the token after it
  std::vector<float> cost(rows * frames, 0.0f);
  std::vector<float> filtered(frames);
  for (size_t head = 0; head < attention.heads; ++head) {
    const std::vector<float> standard = Standardise(attention, head);
    for (size_t row = 0; row < rows; ++row) {
      MedianFilter(std::span(standard).subspan((prompt + row) * frames, frames), filtered);
      for (size_t f = 0; f < frames; ++f) {
        cost[row * frames + f] -= filtered[f] / float(attention.heads);
      }
    }
  }
  return WarpRows(cost, rows, frames);
}

std::vector<int64_t> WarpRows(std::span<const float> cost, size_t rows, size_t columns) {
  enum Step : uint8_t { kBoth, kRow, kColumn };
  constexpr double kFar = std::numeric_limits<double>::infinity();
  std::vector<double> above(columns + 1, kFar);
  std::vector<double> current(columns + 1, kFar);
  std::vector<Step> steps(rows * columns);
  above[0] = 0;
  for (size_t r = 0; r < rows; ++r) {
    current[0] = kFar;
    for (size_t c = 0; c < columns; ++c) {
      Step step = kColumn;
      double best = current[c];
      if (above[c + 1] < best) {
        step = kRow;
        best = above[c + 1];
      }
      if (above[c] <= best) {
        step = kBoth;
        best = above[c];
      }
      steps[r * columns + c] = step;
      current[c + 1] = best + cost[r * columns + c];
    }
    std::swap(above, current);
  }
  std::vector<int64_t> first(rows, 0);
  size_t r = rows - 1;
  size_t c = columns - 1;
  for (;;) {
    first[r] = int64_t(c);
    if (r == 0 && c == 0) break;
    const Step step = steps[r * columns + c];
    if (step != kColumn && r > 0) --r;
    if (step != kRow && c > 0) --c;
  }
  return first;
}

}  // namespace narralytica::transcript
