// Sentence embeddings as a service: texts in, unit vectors out, by the engine process.
//
// Place in the flow: the `index` job embeds segments in their context, search embeds the query.
// Vectors of two models never meet: every answer carries the model's hash.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "index/index.hpp"
#include "index/vectors.hpp"
#include "platform/inference/engine_client.hpp"

namespace narralytica::index {

enum class EmbeddingKind : uint8_t { kQuery, kPassage };

struct Embeddings {
  std::string model;
  std::string model_hash;
  uint32_t dimension = 0;
  std::vector<float> values;  // one unit vector after the other, in the order of the texts

  size_t size() const { return dimension == 0 ? 0 : values.size() / dimension; }
  std::span<const float> row(size_t i) const {
    return std::span(values).subspan(i * dimension, dimension);
  }
};

class Embedder {
 public:
  virtual ~Embedder() = default;
  // kUnavailable when the engine is down or too slow, kInvalid for texts beyond the limits of
  // sentence_encoder.hpp. Thread-safe. A text's vector does not depend on the texts beside it.
  virtual Result<Embeddings> Embed(EmbeddingKind kind, std::span<const std::string> texts,
                                   const Deadline& deadline) = 0;
};

// Through the engine process. Vectors of the last queries are kept.
class EngineEmbedder final : public Embedder {
 public:
  EngineEmbedder(platform::EngineClient& engine, std::string model)
      : engine_(engine), model_(std::move(model)) {}
  Result<Embeddings> Embed(EmbeddingKind kind, std::span<const std::string> texts,
                           const Deadline& deadline) override;

 private:
  Result<Embeddings> Call(EmbeddingKind kind, std::span<const std::string> texts,
                          const Deadline& deadline);

  static constexpr size_t kCachedQueriesMax = 1024;
  struct CachedQuery {
    std::string text;
    Embeddings embeddings;
  };

  platform::EngineClient& engine_;
  const std::string model_;
  std::mutex mutex_;
  std::list<CachedQuery> recent_;  // most recently used first
  std::map<std::string, std::list<CachedQuery>::iterator, std::less<>> cached_;
};

// The text that stands for segment `i` in the vector leg: its own words between the last words of
// the segment before and the first of the one after, so that a short segment is understood.
std::string TextInContext(std::span<const IndexedSegment> segments, size_t i);

// The vectors of a recording, one per segment, each embedded in its context.
Result<VideoVectors> EmbedSegments(Embedder& embedder, std::span<const IndexedSegment> segments,
                                   const Deadline& deadline);

}  // namespace narralytica::index
