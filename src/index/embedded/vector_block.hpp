// Block files of the vector part: sections of recordings behind a small header, written once, read
// by mapping. Their bytes are docs/formats/index.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "index/embedded/manifest.hpp"
#include "index/vector_scan.hpp"

namespace narralytica::index {

// The parts of one section: a language ordinal per segment and, if it has vectors, their scales
// and values.
struct SectionView {
  std::span<const uint8_t> languages;
  ScanRows vectors;  // empty without vectors
};

// The bytes of a section; `vectors` may be null.
std::string EncodeSection(std::span<const uint8_t> languages, const VideoVectors* vectors);
// Views into `bytes`, which EncodeSection made; nullopt when the sizes do not fit.
std::optional<SectionView> ViewSection(std::span<const uint8_t> bytes, uint32_t rows,
                                       uint32_t dimension);

// Collects sections for one new block file.
class BlockWriter {
 public:
  explicit BlockWriter(uint32_t number);
  // Where the section will be.
  Section Add(std::string_view section_bytes);
  bool empty() const;
  uint32_t number() const { return number_; }
  // Writes the file into `folder` and syncs it. kUnavailable when the disk refuses.
  Status WriteTo(const std::string& folder) const;

 private:
  uint32_t number_;
  std::string bytes_;
};

// A mapped block file. Immutable, thread-safe; stays readable after the file is removed.
class Block {
 public:
  // kNotFound when there is no such file, kCorrupt when its header is not a block's.
  static Result<std::shared_ptr<const Block>> Map(const std::string& folder, uint32_t number);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  uint64_t bytes() const { return size_; }
  // kCorrupt when the section does not lie inside or its checksum differs. Reads all of it.
  Status Check(const Section& section) const;
  // The bytes of a section that Check accepted.
  std::span<const uint8_t> Get(const Section& section) const;

 private:
  Block(const uint8_t* data, uint64_t size) : data_(data), size_(size) {}
  const uint8_t* data_;
  uint64_t size_;
};

std::string BlockFileName(uint32_t number);

}  // namespace narralytica::index
