#include "index/sentence_encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "index/embedder.hpp"
#include "index/sentence_pieces.hpp"
#include "transcript/model_folder.hpp"

namespace narralytica::index {
namespace {

using platform::EngineReply;
using platform::EngineRequest;

// Rows are padded to a multiple of this many tokens. The width then follows from the text alone,
// and with it every rounding of the arithmetic: the vector does not depend on its neighbours.
constexpr size_t kWidthStep = 8;
// A batch is large enough to keep a core in its matrix kernels, small enough to stay in its cache.
constexpr size_t kBatchTokensMax = 1024;

std::string_view PrefixOf(EmbeddingKind kind) {
  return kind == EmbeddingKind::kQuery ? "query: " : "passage: ";
}

std::string_view CutText(std::string_view text) {
  if (text.size() <= kEncoderTextBytesMax) return text;
  size_t end = kEncoderTextBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

size_t WidthOf(size_t tokens) { return (tokens + kWidthStep - 1) / kWidthStep * kWidthStep; }

class SentenceEncoder {
 public:
  static Result<std::unique_ptr<SentenceEncoder>> Open(
      std::shared_ptr<const platform::Runtime> runtime, const std::string& model_dir, int threads) {
    auto encoder = std::make_unique<SentenceEncoder>();
    NRL_TRY(encoder->facts_, transcript::ReadModelFacts(model_dir));
    NRL_TRY(encoder->pieces_, SentencePieces::Open(model_dir + "/sentencepiece.model"));
    NRL_TRY(encoder->session_,
            platform::Session::Open(std::move(runtime), model_dir + "/encoder.onnx"));
    encoder->threads_ = static_cast<size_t>(std::max(threads, 1));
    return encoder;
  }

  const transcript::ModelFacts& facts() const { return facts_; }
  static constexpr uint32_t kDimension = 384;

  Result<std::vector<float>> Encode(EmbeddingKind kind, const std::vector<std::string>& texts,
                                    const Deadline& deadline) const {
    std::vector<std::vector<int64_t>> ids;
    for (const std::string& text : texts) {
      ids.push_back(pieces_->Encode(std::string(PrefixOf(kind)) + std::string(CutText(text)),
                                    kEncoderTokensMax));
    }
    const std::vector<std::vector<size_t>> batches = Batches(ids);
    std::vector<float> vectors(texts.size() * kDimension);
    std::atomic<size_t> next = 0;
    std::mutex mutex;
    Status first_error;
    const auto work = [&] {
      for (size_t batch = next++; batch < batches.size(); batch = next++) {
        Status status = deadline.Check("embedding");
        if (status) status = Run(ids, batches[batch], vectors);
        if (status) continue;
        next = batches.size();
        const std::lock_guard lock(mutex);
        if (first_error) first_error = std::move(status);
      }
    };
    {
      std::vector<std::jthread> others;
      for (size_t i = 1; i < std::min(threads_, batches.size()); ++i) others.emplace_back(work);
      work();
    }
    NRL_CHECK(first_error);
    return vectors;
  }

 private:
  // Texts of one width run together.
  static std::vector<std::vector<size_t>> Batches(const std::vector<std::vector<int64_t>>& ids) {
    std::map<size_t, std::vector<size_t>, std::greater<>> by_width;
    for (size_t i = 0; i < ids.size(); ++i) by_width[WidthOf(ids[i].size())].push_back(i);
    std::vector<std::vector<size_t>> batches;
    for (const auto& [width, texts] : by_width) {
      const size_t rows = std::max<size_t>(kBatchTokensMax / width, 1);
      for (size_t begin = 0; begin < texts.size(); begin += rows) {
        const size_t end = std::min(begin + rows, texts.size());
        batches.emplace_back(texts.begin() + static_cast<ptrdiff_t>(begin),
                             texts.begin() + static_cast<ptrdiff_t>(end));
      }
    }
    return batches;
  }

  Status Run(const std::vector<std::vector<int64_t>>& ids, const std::vector<size_t>& batch,
             std::vector<float>& vectors) const {
    const size_t width = WidthOf(ids[batch.front()].size());
    std::vector<int64_t> input(batch.size() * width, pieces_->padding_id());
    std::vector<int64_t> mask(input.size(), 0);
    for (size_t row = 0; row < batch.size(); ++row) {
      const auto& tokens = ids[batch[row]];
      std::copy(tokens.begin(), tokens.end(), input.begin() + static_cast<ptrdiff_t>(row * width));
      std::fill_n(mask.begin() + static_cast<ptrdiff_t>(row * width), tokens.size(), 1);
    }
    std::vector<float> output(batch.size() * kDimension);
    const platform::Shape shape{static_cast<int64_t>(batch.size()), static_cast<int64_t>(width)};
    const platform::Shape output_shape{static_cast<int64_t>(batch.size()), kDimension};
    NRL_CHECK(
        session_->Run({{"input_ids", input.data(), shape}, {"attention_mask", mask.data(), shape}},
                      {{"embedding", output.data(), output_shape}}));
    for (size_t row = 0; row < batch.size(); ++row) {
      std::copy_n(output.begin() + static_cast<ptrdiff_t>(row * kDimension), kDimension,
                  vectors.begin() + static_cast<ptrdiff_t>(batch[row] * kDimension));
    }
    return {};
  }

  transcript::ModelFacts facts_;
  std::unique_ptr<SentencePieces> pieces_;
  std::unique_ptr<platform::Session> session_;
  size_t threads_ = 1;
};

// The opened models by id. Thread-safe.
class Encoders {
 public:
  Encoders(platform::EngineServer& server, std::shared_ptr<const platform::Runtime> runtime,
           SentenceEncoderOptions options)
      : server_(server), runtime_(std::move(runtime)), options_(std::move(options)) {}

  Result<EngineReply> Answer(EmbeddingKind kind, const EngineRequest& request) {
    const auto texts = request.body.at("texts").get<std::vector<std::string>>();
    if (texts.empty() || texts.size() > kEncoderTextsMax) {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("an embedding request has 1 to {} texts", kEncoderTextsMax),
                  "split it");
    }
    NRL_TRY(const SentenceEncoder* encoder, Get(request.body.at("model").get<std::string>()));
    NRL_TRY(const std::vector<float> vectors, encoder->Encode(kind, texts, request.deadline));
    EngineReply reply;
    reply.body = {{"model", encoder->facts().id},
                  {"model_hash", encoder->facts().hash},
                  {"dimension", SentenceEncoder::kDimension},
                  {"count", texts.size()}};
    const auto* bytes = reinterpret_cast<const uint8_t*>(vectors.data());
    reply.payload.assign(bytes, bytes + vectors.size() * sizeof(float));
    return reply;
  }

 private:
  Result<const SentenceEncoder*> Get(const std::string& model) {
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(model); found != open_.end()) return found->second.get();
    // A model is named by its folder: nothing else may be reached by it.
    const bool plain = !model.empty() && std::all_of(model.begin(), model.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!plain) return Fail(ErrorCode::kInvalid, "this is not the name of a model");
    NRL_TRY(auto encoder,
            SentenceEncoder::Open(runtime_, options_.models_dir + "/" + model, options_.threads));
    server_.NoteModel({encoder->facts().id, encoder->facts().hash, "text_embedding"});
    return (open_[model] = std::move(encoder)).get();
  }

  platform::EngineServer& server_;
  const std::shared_ptr<const platform::Runtime> runtime_;
  const SentenceEncoderOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<SentenceEncoder>> open_;
};

}  // namespace

void RegisterSentenceEncoder(platform::EngineServer& server,
                             std::shared_ptr<const platform::Runtime> runtime,
                             SentenceEncoderOptions options) {
  const auto encoders = std::make_shared<Encoders>(server, std::move(runtime), std::move(options));
  server.Register("embed_query", platform::EngineLane::kInteractive,
                  [encoders](const EngineRequest& request) {
                    return encoders->Answer(EmbeddingKind::kQuery, request);
                  });
  server.Register("embed_passages", platform::EngineLane::kBatch,
                  [encoders](const EngineRequest& request) {
                    return encoders->Answer(EmbeddingKind::kPassage, request);
                  });
}

}  // namespace narralytica::index
