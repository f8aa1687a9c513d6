// What a converted Whisper model says about itself: sizes, special tokens, vocabulary, filters.
// Files: config.json, tokens.json and mel_filters.bin of the model's folder.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace narralytica::transcript {

using Token = int64_t;

struct WhisperConfig {
  // kNotFound or kCorrupt when the folder does not hold a converted Whisper model.
  static Result<WhisperConfig> Load(const std::string& model_dir);

  size_t vocabulary = 0;
  size_t mel_bands = 0;
  size_t heads = 0;       // of the decoder, 64 wide each
  size_t layers = 0;      // of the decoder
  size_t frames_max = 0;  // encoder frames (20 ms each) of the longest window
  size_t tokens_max = 0;  // positions of the decoder
  size_t alignment_heads = 0;

  bool multilingual = false;
  Token end_of_text = 0;
  Token start = 0;
  Token transcribe = 0;
  Token no_speech = 0;
  Token no_timestamps = 0;
  Token timestamp_begin = 0;  // <|0.00|>; one token each 20 ms from here on
  std::vector<std::pair<std::string, Token>> languages;  // by token id; empty for English models

  std::vector<Token> suppressed;        // never sampled (control tokens included)
  std::vector<Token> suppressed_first;  // not as the first token
  std::vector<std::string> pieces;      // bytes of every ordinary token; ids below end_of_text
  std::vector<float> mel_filters;       // [mel_bands, 201]

  bool IsText(Token token) const { return token < end_of_text; }
  bool IsTimestamp(Token token) const { return token >= timestamp_begin; }
  int64_t TimestampMs(Token token) const { return (token - timestamp_begin) * 20; }
  // The bytes of the text tokens among `tokens`, as UTF-8 (a broken end replaced by U+FFFD).
  std::string Text(const std::vector<Token>& tokens) const;
};

// Replaces every byte that is not part of well-formed UTF-8 by U+FFFD.
std::string ValidUtf8(std::string_view bytes);

}  // namespace narralytica::transcript
