// The manifest of one committed state of an index generation: which rows belong to which recording
// and where their vectors lie. Its bytes are docs/formats/index.md.
//
// A row is one segment. Row numbers are never used twice in a generation; a segment's document in
// the words part has the id row + 1, so that the two parts join without a lookup.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "index/index.hpp"

namespace narralytica::index {

// Where in the block files the languages and vectors of one recording lie.
struct Section {
  uint32_t block = 0;   // number of the block file; 0 for none
  uint64_t offset = 0;  // bytes from its start, a multiple of kSectionAlignment
  uint64_t bytes = 0;
  uint32_t crc = 0;  // CRC-32C of those bytes
};

// The segments of one recording. A deleted recording stays as a run of 0 rows, so that an older
// change arriving late cannot bring it back.
struct Run {
  std::string video_id;
  uint32_t tenant = 0;  // place in Manifest::tenants
  uint32_t source = 0;  // place in Manifest::sources
  std::optional<int64_t> published_at_ms;
  int64_t change_seq = 0;
  int64_t lease_epoch = 0;
  uint32_t first_row = 0;
  uint32_t rows = 0;
  uint64_t scored_words = 0;  // sum of the lengths BM25 sees
  bool has_vectors = false;
  Section section;
};

struct Manifest {
  uint64_t number = 0;  // grows by one with every commit; 0 is the empty index
  int64_t seq = 0;      // the highest change applied
  uint32_t next_row = 0;
  uint32_t next_block = 1;
  std::string model;  // of all vectors here; empty while there are none
  std::string model_hash;
  uint32_t dimension = 0;
  std::vector<std::string> tenants;
  std::vector<std::string> languages;
  std::vector<std::string> sources;
  std::vector<uint32_t> blocks;  // numbers of the block files in use, growing
  std::vector<Run> runs;         // by tenant, then video id: the order of SegmentRef::video

  // Place of a recording in `runs`.
  std::optional<size_t> FindRun(uint32_t tenant, std::string_view video_id) const;
  std::optional<uint32_t> FindTenant(std::string_view tenant_id) const;
};

inline constexpr uint64_t kSectionAlignment = 64;
inline constexpr size_t kLanguagesMax = 255;
inline constexpr int64_t kManifestBytesMax = int64_t{1} << 30;

std::string EncodeManifest(const Manifest& manifest);
// kCorrupt unless the bytes are exactly one manifest that keeps its rules.
Result<Manifest> DecodeManifest(std::string_view bytes);

// The error of every damaged part: "the <part> of the index is damaged".
Error DamagedPart(std::string_view part, std::string cause);

}  // namespace narralytica::index
