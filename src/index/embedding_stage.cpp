#include <nlohmann/json.hpp>

#include "index/projection.hpp"
#include "index/stages.hpp"
#include "index/vector_store.hpp"
#include "jobs/changes.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::index {
namespace {

constexpr size_t kSegmentsPerCall = 64;
constexpr std::chrono::milliseconds kCallTimeout{120'000};

class EmbeddingStage final : public jobs::Stage {
 public:
  EmbeddingStage(Embedder& embedder, platform::ObjectStore& objects)
      : embedder_(embedder), objects_(objects) {}

  Status Run(jobs::StageContext& context) override {
    TranscriptId transcript;
    NRL_TRY(const std::vector<IndexedSegment> segments,
            context.Read([&](access::Tx& tx) -> Result<std::vector<IndexedSegment>> {
              NRL_TRY(const auto current, transcript::CurrentTranscript(tx, context.job().video));
              transcript = current.id;
              return ProjectSegments(tx, current.id);
            }));
    // A recording without speech has nothing to embed.
    if (segments.empty()) return context.Finish([](access::Tx&) -> Status { return {}; });
    NRL_TRY(const VideoVectors vectors, Embed(context, segments));
    const std::string bytes = EncodeVectors(vectors);
    NRL_TRY(const platform::ObjectRef object,
            context.PutObject(objects_,
                              {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
    const StoredVectors stored{.id = NewUuid(context.environment()),
                               .video = context.job().video,
                               .transcript = transcript,
                               .model = vectors.model,
                               .model_hash = vectors.model_hash,
                               .object_key = object.key,
                               .count = static_cast<int64_t>(vectors.size())};
    return context.Finish([&](access::Tx& tx) -> Status {
      const UtcMs now = context.environment().clock.Now();
      NRL_CHECK(PutVectors(tx, stored, now));
      return jobs::AppendChange(tx, {"vectors", stored.video.str()}, "put", now);
    });
  }

 private:
  // In calls of a bounded size, so that progress shows and a cancel is seen.
  Result<VideoVectors> Embed(jobs::StageContext& context,
                             const std::vector<IndexedSegment>& segments) {
    VideoVectors vectors;
    for (size_t first = 0; first < segments.size(); first += kSegmentsPerCall) {
      const size_t last = std::min(first + kSegmentsPerCall, segments.size());
      std::vector<std::string> texts;
      for (size_t i = first; i < last; ++i) texts.push_back(TextInContext(segments, i));
      NRL_TRY(const Embeddings embeddings,
              embedder_.Embed(EmbeddingKind::kPassage, texts,
                              Deadline::In(kCallTimeout, context.stop())));
      vectors.model = embeddings.model;
      vectors.model_hash = embeddings.model_hash;
      vectors.dimension = embeddings.dimension;
      for (size_t i = 0; i < embeddings.size(); ++i) AppendQuantized(embeddings.row(i), vectors);
      context.SetProgress(static_cast<double>(last) / static_cast<double>(segments.size()),
                          "sentence vectors");
    }
    return vectors;
  }

  Embedder& embedder_;
  platform::ObjectStore& objects_;
};

}  // namespace

std::unique_ptr<jobs::Stage> MakeEmbeddingStage(Embedder& embedder,
                                                platform::ObjectStore& objects) {
  return std::make_unique<EmbeddingStage>(embedder, objects);
}

}  // namespace narralytica::index
