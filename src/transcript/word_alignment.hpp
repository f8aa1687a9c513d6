// Word times from the attention of Whisper's alignment heads.
//
// Per head: softmax over the frames that hold audio, standardised over the tokens, median filter
// of 7 frames; the mean over heads is walked by dynamic time warping (Giorgino 2009, symmetric
// step pattern; the reference's whisper/timing.py describes the use).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "transcript/whisper_config.hpp"

namespace narralytica::transcript {

// A word as a run of text tokens [begin, end) of the sequence it was split from.
struct WordTokens {
  std::string text;  // with the leading space of its first token
  size_t begin = 0;
  size_t end = 0;
};

// Splits text tokens into words: at spaces, or for languages written without them (zh ja th lo my
// yue) at every character; punctuation stays with its word. Every token is in exactly one word.
std::vector<WordTokens> SplitWords(const WhisperConfig& config, const std::string& language,
                                   std::span<const Token> tokens);

// The attention of one window: [heads, tokens, frames], `tokens` being prompt, no-timestamps, text
// and end, of which `stride` are stored.
struct AttentionView {
  std::span<const float> weights;
  size_t heads = 0;
  size_t token_stride = 0;  // tokens stored per head
  size_t frame_stride = 0;  // frames stored per token
  size_t tokens = 0;        // of this window's own sequence
  size_t frames = 0;        // that hold audio
};

// For each text token and the end after them, the frame (20 ms) at which it begins; never
// decreasing. `prompt` is the number of tokens before no-timestamps.
std::vector<int64_t> TokenFrames(const AttentionView& attention, size_t prompt);

// The cheapest monotone path through `cost` [rows, columns]: the first column of each row.
std::vector<int64_t> WarpRows(std::span<const float> cost, size_t rows, size_t columns);

}  // namespace narralytica::transcript
