// The pieces that a sentence encoder reads a text in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace narralytica::index {

// Thread-safe.
class SentencePieces {
 public:
  // kNotFound or kCorrupt.
  static Result<std::unique_ptr<SentencePieces>> Open(const std::string& path);
  ~SentencePieces();
  SentencePieces(const SentencePieces&) = delete;
  SentencePieces& operator=(const SentencePieces&) = delete;

  // Ids of <s> pieces </s>, at most `tokens_max`: what is too much is cut before </s>.
  std::vector<int64_t> Encode(std::string_view text, size_t tokens_max) const;
  int64_t padding_id() const;

 private:
  struct Impl;
  explicit SentencePieces(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace narralytica::index
