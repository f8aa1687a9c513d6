// The index and the searcher on a line protocol, for tests/eval/retrieval.py and tests/bench: one
// JSON object a line in, one a line out. Test-only.
//
//     {"op": "recording", "video": 1, "title": "", "language": "en", "texts": [...],
//      "embed": "none" | "alone" | "context"}                              -> {"segments": n}
//     {"op": "commit"}                                                     -> {"seq": n}
//     {"op": "search", "query": "", "mode": "hybrid", "video": 1 or null, "limit": 10,
//      "spacing": 0}                          -> {"hits": [[video, segment, score]], "took_us": n}
//
// Usage: retrieval_tool INDEX_FOLDER MODELS_FOLDER ONNXRUNTIME_LIBRARY
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "base/environment.hpp"
#include "index/embedded_index.hpp"
#include "index/embedder.hpp"
#include "index/sentence_encoder.hpp"
#include "platform/inference/engine_server.hpp"
#include "search/searcher.hpp"

namespace narralytica {
namespace {

using Json = nlohmann::json;

constexpr const char* kModel = "e5-small";
constexpr size_t kTextsPerCall = 128;

std::string Uuid(int number) { return fmt::format("01900000-0000-7000-8000-{:012}", number); }
const TenantId kTenant = TenantId::FromTrusted(Uuid(0));

template <typename T>
T Must(Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << result.error().Describe() << " " << result.error().cause << "\n";
  std::exit(1);
}
void Must(const Status& status) {
  if (status) return;
  std::cerr << status.error().Describe() << " " << status.error().cause << "\n";
  std::exit(1);
}

class Tool {
 public:
  Tool(const std::string& folder, index::Embedder& embedder)
      : index_(Must(index::OpenEmbeddedIndex({folder, 2, {}}))),
        embedder_(embedder),
        searcher_({*index_, &embedder, {}, {}}) {}

  Json Handle(const Json& line) {
    const std::string op = line.at("op");
    if (op == "recording") return AddRecording(line);
    if (op == "commit") return Commit();
    return Search(line);
  }

 private:
  Json AddRecording(const Json& line) {
    const int video = line.at("video");
    index::Recording recording;
    recording.tenant_id = kTenant;
    recording.video_id = VideoId::FromTrusted(Uuid(video));
    recording.transcript_id = TranscriptId::FromTrusted(Uuid(video));
    recording.title = line.at("title");
    recording.source = "upload";
    for (const Json& text : line.at("texts")) {
      const auto place = static_cast<int>(recording.segments.size());
      recording.segments.push_back({.id = SegmentId::FromTrusted(Uuid(place)),
                                    .segment_index = place,
                                    .range = {place * 1000, (place + 1) * 1000},
                                    .text = text,
                                    .language = line.at("language"),
                                    .speaker_id = {},
                                    .speaker_name = {}});
    }
    if (line.at("embed") == "context") {
      recording.vectors =
          Must(index::EmbedSegments(embedder_, recording.segments, Deadline::Never()));
    } else if (line.at("embed") == "alone") {
      recording.vectors = EmbedAlone(recording.segments);
    }
    if (!writer_) writer_ = Must(index_->Write("", Deadline::Never()));
    Must(writer_->Replace(recording, {++seq_, 1}));
    return {{"segments", recording.segments.size()}};
  }

  index::VideoVectors EmbedAlone(const std::vector<index::IndexedSegment>& segments) {
    index::VideoVectors vectors;
    for (size_t first = 0; first < segments.size(); first += kTextsPerCall) {
      std::vector<std::string> texts;
      for (size_t i = first; i < std::min(first + kTextsPerCall, segments.size()); ++i) {
        texts.push_back(segments[i].text);
      }
      const auto embeddings =
          Must(embedder_.Embed(index::EmbeddingKind::kPassage, texts, Deadline::Never()));
      vectors.model = embeddings.model;
      vectors.model_hash = embeddings.model_hash;
      vectors.dimension = embeddings.dimension;
      for (size_t i = 0; i < embeddings.size(); ++i) AppendQuantized(embeddings.row(i), vectors);
    }
    return vectors;
  }

  Json Commit() {
    if (writer_) Must(writer_->Commit());
    writer_.reset();
    return {{"seq", seq_}};
  }

  Json Search(const Json& line) {
    search::SearchRequest request;
    request.tenant = kTenant;
    request.query = line.at("query");
    request.mode = Must(search::ParseMode(line.at("mode").get<std::string>()));
    request.limit = line.at("limit");
    request.passage_spacing = line.at("spacing");
    if (!line.at("video").is_null()) {
      request.filter.video_id = VideoId::FromTrusted(Uuid(line.at("video")));
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto reply = Must(searcher_.Search(request, Deadline::Never()));
    const auto took = std::chrono::steady_clock::now() - begin;
    Json hits = Json::array();
    for (const search::SearchHit& hit : reply.items) {
      hits.push_back({std::stoi(hit.found.video_id.str().substr(24)),
                      hit.found.segment.segment_index, hit.score.combined});
    }
    return {{"hits", hits},
            {"took_us", std::chrono::duration_cast<std::chrono::microseconds>(took).count()},
            {"degraded", reply.degraded}};
  }

  std::unique_ptr<index::Index> index_;
  index::Embedder& embedder_;
  search::Searcher searcher_;
  std::unique_ptr<index::Writer> writer_;
  int64_t seq_ = 0;
};

int Run(const std::string& folder, const std::string& models, const std::string& library) {
  platform::EngineServerOptions options;
  options.socket_path = folder + "/engine.sock";
  SystemClock clock;
  auto runtime = Must(platform::Runtime::Load(library));
  auto server = Must(platform::EngineServer::Create(options, clock));
  index::RegisterSentenceEncoder(*server, std::move(runtime), {models, 2});
  std::jthread serving(
      [&](const std::stop_token& stop) { Must(server->Serve(Deadline::Never(stop))); });
  platform::EngineClient client(options.socket_path);
  index::EngineEmbedder embedder(client, kModel);
  Tool tool(folder + "/index", embedder);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << tool.Handle(Json::parse(line)).dump() << "\n" << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace narralytica

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: retrieval_tool INDEX_FOLDER MODELS_FOLDER ONNXRUNTIME_LIBRARY\n";
    return 2;
  }
  return narralytica::Run(argv[1], argv[2], argv[3]);
}
