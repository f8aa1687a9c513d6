#include "transcript/whisper_config.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "transcript/log_mel.hpp"
#include "transcript/model_folder.hpp"

namespace narralytica::transcript {
namespace {

using Json = nlohmann::json;

constexpr const char* kHint = "run `make models` to fetch and convert it again";

Result<std::vector<std::string>> DecodePieces(const Json& encoded) {
  std::vector<std::string> pieces;
  for (const Json& item : encoded) {
    const auto& text = item.get_ref<const std::string&>();
    std::string bytes(text.size(), '\0');
    size_t length = 0;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), nullptr, &length, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
      return Fail(ErrorCode::kCorrupt, "a recognition model's vocabulary cannot be read", kHint);
    }
    bytes.resize(length);
    pieces.push_back(std::move(bytes));
  }
  return pieces;
}

WhisperConfig FromJson(const Json& json) {
  WhisperConfig config;
  const auto number = [&](const char* key, auto& value) { json.at(key).get_to(value); };
  number("n_vocab", config.vocabulary);
  number("n_mels", config.mel_bands);
  number("n_text_head", config.heads);
  number("n_text_layer", config.layers);
  number("n_audio_ctx", config.frames_max);
  number("n_text_ctx", config.tokens_max);
  number("multilingual", config.multilingual);
  number("eot", config.end_of_text);
  number("sot", config.start);
  number("transcribe", config.transcribe);
  number("no_speech", config.no_speech);
  number("no_timestamps", config.no_timestamps);
  number("timestamp_begin", config.timestamp_begin);
  config.alignment_heads = json.at("alignment_heads").size();
  if (config.multilingual) {
    for (const auto& [code, token] : json.at("languages").items()) {
      config.languages.emplace_back(code, token.get<Token>());
    }
    std::ranges::sort(config.languages, {}, &std::pair<std::string, Token>::second);
  }
  // Of the special tokens only end-of-text and timestamps may be sampled.
  for (Token token = config.end_of_text + 1; token < config.timestamp_begin; ++token) {
    config.suppressed.push_back(token);
  }
  for (const Json& token : json.at("suppress_tokens")) {
    if (token < config.end_of_text) config.suppressed.push_back(token);
  }
  config.suppressed_first = json.at("suppress_tokens_begin").get<std::vector<Token>>();
  return config;
}

}  // namespace

Result<WhisperConfig> WhisperConfig::Load(const std::string& model_dir) {
  NRL_TRY(const std::string config_text, ReadModelFile(model_dir, "config.json"));
  NRL_TRY(const std::string tokens_text, ReadModelFile(model_dir, "tokens.json"));
  NRL_TRY(const std::string filters, ReadModelFile(model_dir, "mel_filters.bin"));
  try {
    WhisperConfig config = FromJson(Json::parse(config_text));
    NRL_TRY(config.pieces, DecodePieces(Json::parse(tokens_text)));
    config.mel_filters.resize(filters.size() / sizeof(float));
    std::memcpy(config.mel_filters.data(), filters.data(),
                config.mel_filters.size() * sizeof(float));
    if (config.mel_filters.size() != config.mel_bands * LogMel::kBins ||
        config.pieces.size() > size_t(config.end_of_text)) {
      return Fail(ErrorCode::kCorrupt, "a recognition model's files do not fit together", kHint);
    }
    return config;
  } catch (const Json::exception& error) {
    return Fail(ErrorCode::kCorrupt, "a recognition model's description cannot be read", kHint,
                error.what());
  }
}

std::string WhisperConfig::Text(const std::vector<Token>& tokens) const {
  std::string bytes;
  for (const Token token : tokens) {
    if (token >= 0 && size_t(token) < pieces.size()) bytes += pieces[size_t(token)];
  }
  return ValidUtf8(bytes);
}

std::string ValidUtf8(std::string_view bytes) {
  // nlohmann's serializer holds a strict UTF-8 decoder; use it rather than a second one.
  const Json text = bytes;
  const std::string quoted = text.dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(quoted).get<std::string>();
}

}  // namespace narralytica::transcript
