#include "transcript/recognizer.hpp"

#include <algorithm>
#include <array>

namespace narralytica::transcript {

bool WrittenWithoutSpaces(std::string_view language) {
  constexpr std::array<std::string_view, 6> kLanguages{"zh", "ja", "th", "lo", "my", "yue"};
  return std::ranges::find(kLanguages, language) != kLanguages.end();
}

void to_json(nlohmann::json& json, const Word& word) {
  json = {{"start_ms", word.start_ms},
          {"end_ms", word.end_ms},
          {"text", word.text},
          {"confidence", word.confidence}};
}

void from_json(const nlohmann::json& json, Word& word) {
  json.at("start_ms").get_to(word.start_ms);
  json.at("end_ms").get_to(word.end_ms);
  json.at("text").get_to(word.text);
  json.at("confidence").get_to(word.confidence);
}

void to_json(nlohmann::json& json, const RecognizedWindow& window) {
  json = {{"language", window.language},
          {"language_probability", window.language_probability},
          {"no_speech_prob", window.no_speech_prob},
          {"avg_logprob", window.avg_logprob},
          {"compression_ratio", window.compression_ratio},
          {"temperature", window.temperature},
          {"words", window.words}};
}

void from_json(const nlohmann::json& json, RecognizedWindow& window) {
  json.at("language").get_to(window.language);
  json.at("language_probability").get_to(window.language_probability);
  json.at("no_speech_prob").get_to(window.no_speech_prob);
  json.at("avg_logprob").get_to(window.avg_logprob);
  json.at("compression_ratio").get_to(window.compression_ratio);
  json.at("temperature").get_to(window.temperature);
  json.at("words").get_to(window.words);
}

}  // namespace narralytica::transcript
