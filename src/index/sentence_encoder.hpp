// The engine's handlers for sentence embeddings: op `embed_query` in the interactive lane, op
// `embed_passages` in the batch lane. Both take and give the same:
//
//     request body   {model: "e5-small", texts: [string]}
//     reply body     {model, model_hash, dimension, count}
//     reply payload  count * dimension float32, little endian: unit vectors in order
//
// A text goes, behind the prefix that the model was trained with ("query: ", "passage: "), through
// the model's SentencePiece pieces, and is cut at kEncoderTokensMax tokens. Texts of like length
// run together, so that hardly a position is padding. A text's vector has the same bytes whatever
// runs beside it and however many threads there are.
#pragma once

#include <memory>
#include <string>

#include "platform/inference/engine_server.hpp"
#include "platform/inference/runtime.hpp"

namespace narralytica::index {

inline constexpr size_t kEncoderTokensMax = 512;
inline constexpr size_t kEncoderTextsMax = 256;           // of one request
inline constexpr size_t kEncoderTextBytesMax = 16 << 10;  // a longer text is cut before tokenising

struct SentenceEncoderOptions {
  std::string models_dir;  // holds e5-small/ with model.json, encoder.onnx, sentencepiece.model
  int threads = 2;         // cores that one request may use
};

// Models are opened by the first request that names them, and stay open. Replies: kNotFound for a
// model that is not installed, kInvalid beyond the limits above.
void RegisterSentenceEncoder(platform::EngineServer& server,
                             std::shared_ptr<const platform::Runtime> runtime,
                             SentenceEncoderOptions options);

}  // namespace narralytica::index
