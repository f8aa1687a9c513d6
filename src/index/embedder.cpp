#include "index/embedder.hpp"

#include <cstring>

#include "index/sentence_encoder.hpp"

namespace narralytica::index {
namespace {

// Context of a segment, from each side.
constexpr size_t kContextWordsMax = 40;

std::string_view LastWords(std::string_view text, size_t words_max) {
  size_t begin = text.size();
  for (size_t words = 0; begin > 0; --begin) {
    if (text[begin - 1] == ' ' && ++words > words_max) break;
  }
  return text.substr(begin);
}

std::string_view FirstWords(std::string_view text, size_t words_max) {
  size_t words = 0;
  for (size_t end = 0; end < text.size(); ++end) {
    if (text[end] == ' ' && ++words == words_max) return text.substr(0, end);
  }
  return text;
}

Result<Embeddings> DecodeReply(const platform::EngineReply& reply, size_t texts) {
  Embeddings embeddings;
  try {
    embeddings.model = reply.body.at("model");
    embeddings.model_hash = reply.body.at("model_hash");
    embeddings.dimension = reply.body.at("dimension");
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kInternal, "the engine's embeddings cannot be read", {}, error.what());
  }
  const size_t floats = texts * embeddings.dimension;
  if (embeddings.dimension == 0 || reply.payload.size() != floats * sizeof(float)) {
    return Fail(ErrorCode::kInternal, "the engine gave another number of embeddings than asked");
  }
  embeddings.values.resize(floats);
  std::memcpy(embeddings.values.data(), reply.payload.data(), reply.payload.size());
  return embeddings;
}

}  // namespace

Result<Embeddings> EngineEmbedder::Embed(EmbeddingKind kind, std::span<const std::string> texts,
                                         const Deadline& deadline) {
  if (kind != EmbeddingKind::kQuery || texts.size() != 1) return Call(kind, texts, deadline);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = cached_.find(texts[0]); found != cached_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->embeddings;
    }
  }
  NRL_TRY(Embeddings embeddings, Call(kind, texts, deadline));
  const std::lock_guard lock(mutex_);
  // An engine with a new model has come up: what the old one gave is of no use.
  if (!recent_.empty() && recent_.front().embeddings.model_hash != embeddings.model_hash) {
    cached_.clear();
    recent_.clear();
  }
  if (cached_.contains(texts[0])) return embeddings;
  recent_.push_front({texts[0], embeddings});
  cached_[texts[0]] = recent_.begin();
  if (recent_.size() > kCachedQueriesMax) {
    cached_.erase(recent_.back().text);
    recent_.pop_back();
  }
  return embeddings;
}

Result<Embeddings> EngineEmbedder::Call(EmbeddingKind kind, std::span<const std::string> texts,
                                        const Deadline& deadline) {
  const char* op = kind == EmbeddingKind::kQuery ? "embed_query" : "embed_passages";
  const nlohmann::json body{{"model", model_},
                            {"texts", std::vector<std::string>(texts.begin(), texts.end())}};
  NRL_TRY(const platform::EngineReply reply, engine_.Call(op, body, {}, deadline));
  return DecodeReply(reply, texts.size());
}

std::string TextInContext(std::span<const IndexedSegment> segments, size_t i) {
  std::string text;
  if (i > 0) {
    text += LastWords(segments[i - 1].text, kContextWordsMax);
    text += ' ';
  }
  text += segments[i].text;
  if (i + 1 < segments.size()) {
    text += ' ';
    text += FirstWords(segments[i + 1].text, kContextWordsMax);
  }
  return text;
}

Result<VideoVectors> EmbedSegments(Embedder& embedder, std::span<const IndexedSegment> segments,
                                   const Deadline& deadline) {
  VideoVectors vectors;
  std::vector<std::string> texts;
  for (size_t i = 0; i < segments.size(); ++i) {
    texts.push_back(TextInContext(segments, i));
    if (texts.size() < kEncoderTextsMax && i + 1 < segments.size()) continue;
    NRL_TRY(const Embeddings embeddings, embedder.Embed(EmbeddingKind::kPassage, texts, deadline));
    const bool first = vectors.model_hash.empty();
    if (!first && vectors.model_hash != embeddings.model_hash) {
      return Fail(ErrorCode::kUnavailable, "the engine changed its model in the middle",
                  "try again");
    }
    vectors.model = embeddings.model;
    vectors.model_hash = embeddings.model_hash;
    vectors.dimension = embeddings.dimension;
    for (size_t k = 0; k < embeddings.size(); ++k) AppendQuantized(embeddings.row(k), vectors);
    texts.clear();
  }
  return vectors;
}

}  // namespace narralytica::index
