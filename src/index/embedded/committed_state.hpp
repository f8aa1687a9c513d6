// One committed state of a generation, loaded: the manifest, its mapped vectors, and per tenant
// what queries need to know.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "index/embedded/generation.hpp"
#include "index/embedded/manifest.hpp"
#include "index/embedded/vector_block.hpp"
#include "index/embedded/words.hpp"

namespace narralytica::index {

// Some rows of one recording: places [first, first + count) of runs[run].
struct PlaceRange {
  uint32_t run = 0;
  uint32_t first = 0;
  uint32_t count = 0;
};

// Immutable, thread-safe.
class CommittedState {
 public:
  // Loads the state that `commit` names; blocks that `previous` has mapped are taken from it,
  // sections that it has checked are not checked again. kNotFound when a file is gone, because a
  // writer went on; kCorrupt when the parts disagree.
  static Result<std::shared_ptr<const CommittedState>> Load(const std::string& index_folder,
                                                            const std::string& generation,
                                                            WordsCommit commit,
                                                            const CommittedState* previous);

  const std::string& generation() const { return generation_; }
  const Manifest& manifest() const { return manifest_; }
  // Of runs[run]; empty for a run of 0 rows.
  const SectionView& section(uint32_t run) const { return sections_[run]; }

  // Of a number in manifest().blocks.
  const Block& block(uint32_t number) const { return *blocks_.at(number); }

  // nullopt for a tenant that never wrote.
  std::optional<uint32_t> tenant(std::string_view tenant_id) const {
    return manifest_.FindTenant(tenant_id);
  }
  // [first, last) in manifest().runs.
  std::pair<uint32_t, uint32_t> RunsOf(uint32_t tenant) const { return tenants_[tenant].runs; }
  TenantStatistics StatisticsOf(uint32_t tenant) const { return tenants_[tenant].statistics; }
  ReaderInfo InfoOf(uint32_t tenant) const { return tenants_[tenant].info; }

  // The rows of `tenant` that pass the filter, in the order of refs.
  std::vector<PlaceRange> Select(uint32_t tenant, const Filter& filter) const;
  // nullopt for a row that no recording has any more.
  std::optional<SegmentRef> FindRow(uint32_t row) const;
  // False for a ref that `tenant` has no segment at.
  bool Has(uint32_t tenant, SegmentRef ref) const;

 private:
  struct Tenant {
    std::pair<uint32_t, uint32_t> runs;
    TenantStatistics statistics;
    ReaderInfo info;
  };

  Status MapBlocks(const GenerationPaths& paths, const CommittedState* previous);
  Status ViewSections(const CommittedState* previous);
  void Summarize();
  void SelectLanguage(uint32_t run, uint8_t language, std::vector<PlaceRange>& selected) const;

  std::string generation_;
  Manifest manifest_;
  std::map<uint32_t, std::shared_ptr<const Block>> blocks_;
  std::vector<SectionView> sections_;
  std::vector<uint32_t> runs_by_row_;  // places in runs, by first_row; runs of 0 rows left out
  std::vector<Tenant> tenants_;
};

}  // namespace narralytica::index
