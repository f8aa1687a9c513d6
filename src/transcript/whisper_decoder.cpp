#include "transcript/whisper_decoder.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace narralytica::transcript {
namespace {

constexpr std::array<float, 6> kTemperatures{0.0f, 0.2f, 0.4f, 0.6f, 0.8f, 1.0f};
// Thresholds of the reference.
constexpr float kCompressionRatioMax = 2.4f;
constexpr float kAvgLogprobMin = -1.0f;
constexpr float kNoSpeechMin = 0.6f;

// Share of the language prior that is kept for languages not heard so far: a window may differ
// from the rest of its recording, but must be sure.
constexpr double kLanguageSurprise = 0.1;

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

// A token drawn in proportion to p^(1/T).
Token Pick(std::span<const float> log_probs, float temperature, std::mt19937_64& random) {
  const auto best = std::ranges::max_element(log_probs);
  const auto weight = [&](float value) { return std::exp((value - *best) / temperature); };
  double total = 0;
  for (const float value : log_probs) total += weight(value);
  // 53 random bits as a fraction: unlike the standard distributions, equal on every platform.
  double left = double(random() >> 11) * 0x1.0p-53 * total;
  for (size_t i = 0; i < log_probs.size(); ++i) {
    left -= weight(log_probs[i]);
    if (left < 0) return Token(i);
  }
  return best - log_probs.begin();
}

bool NeedsFallback(const DecodedWindow& window, bool looped) {
  if (looped || window.compression_ratio > kCompressionRatioMax) return true;
  return window.avg_logprob < kAvgLogprobMin && window.no_speech_prob <= kNoSpeechMin;
}

bool IsSilent(const DecodedWindow& window) {
  return window.no_speech_prob > kNoSpeechMin && window.avg_logprob < kAvgLogprobMin;
}

}  // namespace

// What to decode: the first `rows` rows of a batch.
struct WhisperDecoder::Sampling {
  const DecodeRequest& request;
  const std::vector<DecodedWindow>& windows;  // with their languages
  size_t rows;
  float temperature;
};

WhisperDecoder::WhisperDecoder(const WhisperModel& model)
    : model_(model), config_(model.config()), rules_(model.config()) {}

std::vector<Token> WhisperPrompt(const WhisperConfig& config, const std::string& language) {
  if (!config.multilingual) return {config.start};
  const auto known =
      std::ranges::find(config.languages, language, [](auto& it) { return it.first; });
  NRL_ASSERT(known != config.languages.end());
  return {config.start, known->second, config.transcribe};
}

// One step over the start token says what is spoken, and whether anything is.
Status WhisperDecoder::Detect(const DecodeRequest& request, EncodedWindows& encoded,
                              std::vector<DecodedWindow>& windows) const {
  DecoderState state = model_.Start(encoded.rows());
  NRL_CHECK(model_.Step(std::vector<Token>(encoded.rows(), config_.start), encoded, state));
  std::vector<std::vector<double>> probabilities(windows.size());
  for (size_t row = 0; row < encoded.rows(); ++row) {
    const auto logits =
        std::span<const float>(state.logits).subspan(row * config_.vocabulary, config_.vocabulary);
    DecodedWindow& window = windows[encoded.window[row]];
    window.no_speech_prob = std::exp(logits[size_t(config_.no_speech)] - LogSumExp(logits));
    std::vector<float> of_languages;
    of_languages.reserve(config_.languages.size());
    for (const auto& [code, token] : config_.languages) {
      of_languages.push_back(logits[size_t(token)]);
    }
    const float total = LogSumExp(of_languages);
    for (const float value : of_languages) {
      probabilities[encoded.window[row]].push_back(std::exp(double(value - total)));
    }
  }
  if (config_.multilingual) {
    ChooseLanguages(request, probabilities, windows);
  } else {
    for (DecodedWindow& window : windows) {
      window.language = "en";
      window.language_probability = 1;
    }
  }
  return {};
}

// Bayes: a window's own evidence times how much each language is spoken in the recording.
void WhisperDecoder::ChooseLanguages(const DecodeRequest& request,
                                     const std::vector<std::vector<double>>& probabilities,
                                     std::vector<DecodedWindow>& windows) const {
  const size_t count = config_.languages.size();
  std::vector<double> share(count, 0.0);
  double total = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto known = request.prior.find(config_.languages[i].first);
    if (known != request.prior.end()) share[i] += known->second;
    for (size_t w = 0; w < windows.size(); ++w) {
      share[i] += double(request.end_ms[w]) / 1000 * probabilities[w][i];
    }
    total += share[i];
  }
  for (size_t w = 0; w < windows.size(); ++w) {
    size_t best = 0;
    double best_score = -1;
    for (size_t i = 0; i < count; ++i) {
      const double prior =
          (1 - kLanguageSurprise) * share[i] / total + kLanguageSurprise / double(count);
      const double score = request.language.empty()
                               ? probabilities[w][i] * prior
                               : double(config_.languages[i].first == request.language);
      if (score > best_score) {
        best_score = score;
        best = i;
      }
    }
    windows[w].language = config_.languages[best].first;
    windows[w].language_probability = float(probabilities[w][best]);
  }
}

std::vector<Token> WhisperDecoder::Prompts(const Sampling& sampling,
                                           const EncodedWindows& encoded) const {
  std::vector<Token> tokens;
  for (size_t row = 0; row < sampling.rows; ++row) {
    const auto prompt = WhisperPrompt(config_, sampling.windows[encoded.window[row]].language);
    tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  }
  return tokens;
}

// The rows that follow a step, window by window.
struct WhisperDecoder::NextRows {
  struct OfWindow {
    std::vector<size_t> parents;  // among the step's rows
    std::vector<Token> tokens;
  };
  std::vector<OfWindow> windows;  // none of those that ended

  // Takes the ended windows out, of the batch too: the last one takes the place of each.
  void Close(EncodedWindows& encoded) {
    for (size_t place = windows.size(); place-- > 0;) {
      if (!windows[place].parents.empty()) continue;
      encoded.Swap(place, windows.size() - 1);
      windows[place] = std::move(windows.back());
      windows.pop_back();
    }
  }
};

// Goes on with `rows`; returns their tokens.
std::vector<Token> WhisperDecoder::Follow(const NextRows& rows, DecoderState& state) const {
  std::vector<size_t> parents, counts;
  std::vector<Token> tokens;
  for (const auto& window : rows.windows) {
    parents.insert(parents.end(), window.parents.begin(), window.parents.end());
    tokens.insert(tokens.end(), window.tokens.begin(), window.tokens.end());
    counts.push_back(window.parents.size());
  }
  model_.Branch(parents, std::move(counts), state);
  return tokens;
}

// Beam search to the end of every window.
Result<std::vector<Hypothesis>> WhisperDecoder::Search(const Sampling& sampling,
                                                       EncodedWindows& encoded,
                                                       const Deadline& deadline) const {
  std::vector<Hypothesis> found(sampling.windows.size());
  std::vector<WhisperBeam> beams(sampling.windows.size(), WhisperBeam({}, config_.end_of_text));
  DecoderState state = model_.Start(sampling.rows);
  std::vector<Token> tokens = Prompts(sampling, encoded);
  const size_t length_max = config_.tokens_max / 2;
  for (size_t length = 0; !tokens.empty(); ++length) {
    NRL_CHECK(deadline.Check("recognition"));
    NRL_CHECK(model_.Step(tokens, encoded, state));
    NextRows next;
    size_t first = 0;
    for (size_t place = 0; place < state.windows(); first += state.counts[place++]) {
      const size_t window = encoded.window[place];
      WhisperBeam& beam = beams[window];
      std::vector<std::span<const float>> rows;
      for (size_t i = 0; i < state.counts[place]; ++i) {
        const auto logits =
            std::span(state.logits).subspan((first + i) * config_.vocabulary, config_.vocabulary);
        rules_.Apply(logits, beam.open()[i].tokens, sampling.request.end_ms[window]);
        rows.push_back(logits);
      }
      beam.Advance(rows);
      auto& following = next.windows.emplace_back();
      if (beam.done() || length + 1 >= length_max) {
        found[window] = beam.Best();
        continue;
      }
      for (size_t i = 0; i < beam.open().size(); ++i) {
        following.parents.push_back(first + beam.parents()[i]);
        following.tokens.push_back(beam.open()[i].tokens.back());
      }
    }
    next.Close(encoded);
    tokens = Follow(next, state);
  }
  return found;
}

// Samples to the end of every row; attempts by window.
Result<std::vector<Hypothesis>> WhisperDecoder::Sample(const Sampling& sampling,
                                                       EncodedWindows& encoded,
                                                       const Deadline& deadline) const {
  const auto& [request, windows, rows, temperature] = sampling;
  std::vector<Hypothesis> attempts(windows.size());
  std::vector<std::mt19937_64> randoms;
  randoms.reserve(request.seeds.size());
  for (const uint64_t seed : request.seeds) {
    randoms.emplace_back(seed + uint64_t(std::lround(temperature * 10)));
  }
  DecoderState state = model_.Start(rows);
  std::vector<Token> tokens = Prompts(sampling, encoded);
  const size_t length_max = config_.tokens_max / 2;
  for (size_t length = 0; !tokens.empty(); ++length) {
    NRL_CHECK(deadline.Check("recognition"));
    NRL_CHECK(model_.Step(tokens, encoded, state));
    NextRows next;
    for (size_t row = 0; row < state.windows(); ++row) {
      const size_t window = encoded.window[row];
      Hypothesis& attempt = attempts[window];
      const auto logits =
          std::span(state.logits).subspan(row * config_.vocabulary, config_.vocabulary);
      rules_.Apply(logits, attempt.tokens, request.end_ms[window]);
      const Token token = Pick(logits, temperature, randoms[window]);
      const float log_prob = logits[size_t(token)];
      attempt.sum_logprob += log_prob;
      auto& following = next.windows.emplace_back();
      if (token == config_.end_of_text) continue;
      attempt.tokens.push_back(token);
      attempt.log_probs.push_back(log_prob);
      attempt.looped = EndsInLoop(attempt.tokens);
      if (attempt.looped || length + 1 >= length_max) continue;
      following = {{row}, {token}};
    }
    next.Close(encoded);
    tokens = Follow(next, state);
  }
  return attempts;
}

Result<std::vector<DecodedWindow>> WhisperDecoder::Decode(const DecodeRequest& request,
                                                          EncodedWindows& encoded,
                                                          const Deadline& deadline) const {
  const size_t count = encoded.rows();
  NRL_ASSERT(request.end_ms.size() == count && request.seeds.size() == count);
  std::vector<DecodedWindow> windows(count);
  NRL_CHECK(Detect(request, encoded, windows));
  std::vector<size_t> open(count);
  for (size_t i = 0; i < count; ++i) open[i] = i;

  for (const float temperature : kTemperatures) {
    for (size_t i = 0; i < open.size(); ++i) {
      encoded.Swap(i, size_t(std::ranges::find(encoded.window, open[i]) - encoded.window.begin()));
    }
    const Sampling sampling{request, windows, open.size(), temperature};
    NRL_TRY(auto attempts, temperature == 0 ? Search(sampling, encoded, deadline)
                                            : Sample(sampling, encoded, deadline));
    std::vector<size_t> still_open;
    for (const size_t i : open) {
      Hypothesis& attempt = attempts[i];
      DecodedWindow candidate = windows[i];
      candidate.temperature = temperature;
      candidate.avg_logprob = attempt.AvgLogprob();
      candidate.compression_ratio = CompressionRatio(Trim(config_.Text(attempt.tokens)));
      candidate.tokens = std::move(attempt.tokens);
      candidate.log_probs = std::move(attempt.log_probs);
      std::vector<Token> text;
      std::ranges::copy_if(candidate.tokens, std::back_inserter(text),
                           [&](Token token) { return config_.IsText(token); });
      const bool looped = attempt.looped || RepeatsAPhrase(text);
      if (NeedsFallback(candidate, looped)) still_open.push_back(i);
      windows[i] = std::move(candidate);
    }
    open = std::move(still_open);
    if (open.empty()) break;
  }
  for (DecodedWindow& window : windows) {
    if (!IsSilent(window)) continue;
    window.tokens.clear();
    window.log_probs.clear();
  }
  return windows;
}

float CompressionRatio(std::string_view text) {
  if (text.empty()) return 0;
  uLongf size = compressBound(text.size());
  std::vector<Bytef> deflated(size);
  compress(deflated.data(), &size, reinterpret_cast<const Bytef*>(text.data()), text.size());
  return float(text.size()) / float(size);
}

}  // namespace narralytica::transcript
