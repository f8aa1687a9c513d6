#include "index/sentence_pieces.hpp"

#include <sentencepiece_processor.h>

#include <filesystem>

namespace narralytica::index {

struct SentencePieces::Impl {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieces::SentencePieces(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SentencePieces::~SentencePieces() = default;

Result<std::unique_ptr<SentencePieces>> SentencePieces::Open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return Fail(ErrorCode::kNotFound, "the sentence encoder lacks its pieces",
                "run `make models` to fetch and convert it", path);
  }
  auto impl = std::make_unique<Impl>();
  const auto status = impl->processor.Load(path);
  const auto& processor = impl->processor;
  if (!status.ok() || processor.bos_id() < 0 || processor.eos_id() < 0 || processor.pad_id() < 0) {
    return Fail(ErrorCode::kCorrupt, "the sentence encoder's pieces cannot be read",
                "run `make models` to fetch and convert it again", status.ToString());
  }
  return std::unique_ptr<SentencePieces>(new SentencePieces(std::move(impl)));
}

std::vector<int64_t> SentencePieces::Encode(std::string_view text, size_t tokens_max) const {
  NRL_ASSERT(tokens_max >= 2);
  std::vector<int> pieces;
  const auto status = impl_->processor.Encode({text.data(), text.size()}, &pieces);
  NRL_ASSERT(status.ok());
  const size_t kept = std::min(pieces.size(), tokens_max - 2);
  std::vector<int64_t> ids{impl_->processor.bos_id()};
  ids.insert(ids.end(), pieces.begin(), pieces.begin() + static_cast<ptrdiff_t>(kept));
  ids.push_back(impl_->processor.eos_id());
  return ids;
}

int64_t SentencePieces::padding_id() const { return impl_->processor.pad_id(); }

}  // namespace narralytica::index
