#include "index/embedded/committed_state.hpp"

#include <algorithm>
#include <set>

#include "index/text_analysis.hpp"

namespace narralytica::index {
namespace {

bool Passes(const Run& run, const Manifest& manifest, const Filter& filter) {
  if (run.rows == 0) return false;
  if (filter.video_id && run.video_id != filter.video_id->str()) return false;
  if (!filter.source.empty() && manifest.sources[run.source] != filter.source) return false;
  if (!filter.published_from && !filter.published_until) return true;
  if (!run.published_at_ms) return false;
  if (filter.published_from && *run.published_at_ms < filter.published_from->value) return false;
  return !filter.published_until || *run.published_at_ms < filter.published_until->value;
}

using SectionKey = std::pair<uint32_t, uint64_t>;

std::set<SectionKey> SectionsOf(const CommittedState& state) {
  std::set<SectionKey> keys;
  for (const Run& run : state.manifest().runs) {
    if (run.rows > 0) keys.emplace(run.section.block, run.section.offset);
  }
  return keys;
}

}  // namespace

Result<std::shared_ptr<const CommittedState>> CommittedState::Load(const std::string& index_folder,
                                                                   const std::string& generation,
                                                                   WordsCommit commit,
                                                                   const CommittedState* previous) {
  auto state = std::make_shared<CommittedState>();
  state->generation_ = generation;
  const GenerationPaths paths = PathsOf(index_folder, generation);
  if (commit.manifest > 0) {
    NRL_TRY(const std::string bytes,
            platform::ReadFile(paths.manifest(commit.manifest), kManifestBytesMax));
    NRL_TRY(state->manifest_, DecodeManifest(bytes));
  }
  if (state->manifest_.number != commit.manifest || state->manifest_.seq != commit.seq) {
    return Fail(DamagedPart("list of recordings", "the two parts are of different commits"));
  }
  if (previous != nullptr && previous->generation_ != generation) previous = nullptr;
  NRL_CHECK(state->MapBlocks(paths, previous));
  NRL_CHECK(state->ViewSections(previous));
  state->Summarize();
  return std::shared_ptr<const CommittedState>(std::move(state));
}

Status CommittedState::MapBlocks(const GenerationPaths& paths, const CommittedState* previous) {
  for (const uint32_t number : manifest_.blocks) {
    if (previous != nullptr && previous->blocks_.contains(number)) {
      blocks_[number] = previous->blocks_.at(number);
      continue;
    }
    NRL_TRY(blocks_[number], Block::Map(paths.folder, number));
  }
  return {};
}

Status CommittedState::ViewSections(const CommittedState* previous) {
  const auto checked = previous != nullptr ? SectionsOf(*previous) : std::set<SectionKey>{};
  sections_.resize(manifest_.runs.size());
  for (uint32_t i = 0; i < manifest_.runs.size(); ++i) {
    const Run& run = manifest_.runs[i];
    if (run.rows == 0) continue;
    const Block& block = *blocks_.at(run.section.block);
    if (!checked.contains({run.section.block, run.section.offset})) {
      NRL_CHECK(block.Check(run.section));
    }
    const auto view = ViewSection(block.Get(run.section), run.rows, manifest_.dimension);
    const bool fits = view && run.has_vectors == !view->vectors.scales.empty() &&
                      std::all_of(view->languages.begin(), view->languages.end(),
                                  [&](uint8_t l) { return l < manifest_.languages.size(); });
    if (!fits) return Fail(DamagedPart("vector part", "a section does not fit its recording"));
    sections_[i] = *view;
    runs_by_row_.push_back(i);
  }
  std::sort(runs_by_row_.begin(), runs_by_row_.end(), [&](uint32_t a, uint32_t b) {
    return manifest_.runs[a].first_row < manifest_.runs[b].first_row;
  });
  return {};
}

void CommittedState::Summarize() {
  tenants_.resize(manifest_.tenants.size());
  std::vector<std::vector<uint64_t>> languages(
      tenants_.size(), std::vector<uint64_t>(manifest_.languages.size(), 0));
  for (uint32_t i = 0; i < manifest_.runs.size(); ++i) {
    const Run& run = manifest_.runs[i];
    Tenant& tenant = tenants_[run.tenant];
    if (tenant.runs.second == 0) tenant.runs.first = i;
    tenant.runs.second = i + 1;
    if (run.rows == 0) continue;
    tenant.info.segments += run.rows;
    tenant.info.videos += 1;
    tenant.info.videos_without_vectors += run.has_vectors ? 0 : 1;
    tenant.statistics.words_mean += static_cast<double>(run.scored_words);
    for (const uint8_t language : sections_[i].languages) ++languages[run.tenant][language];
  }
  for (size_t t = 0; t < tenants_.size(); ++t) {
    Tenant& tenant = tenants_[t];
    tenant.statistics.documents = static_cast<double>(tenant.info.segments);
    tenant.statistics.words_mean /= std::max(tenant.statistics.documents, 1.0);
    tenant.info.generation = generation_;
    tenant.info.as_of_seq = manifest_.seq;
    if (tenant.info.videos > tenant.info.videos_without_vectors) {
      tenant.info.model = manifest_.model;
      tenant.info.model_hash = manifest_.model_hash;
    }
    for (size_t l = 0; l < languages[t].size(); ++l) {
      if (languages[t][l] > 0) {
        tenant.info.languages.emplace_back(manifest_.languages[l], languages[t][l]);
      }
    }
    std::sort(tenant.info.languages.begin(), tenant.info.languages.end(),
              [](const auto& a, const auto& b) {
                return a.second != b.second ? a.second > b.second : a.first < b.first;
              });
  }
}

std::vector<PlaceRange> CommittedState::Select(uint32_t tenant, const Filter& filter) const {
  std::vector<PlaceRange> selected;
  auto [first, last] = RunsOf(tenant);
  if (filter.video_id) {
    const auto run = manifest_.FindRun(tenant, filter.video_id->str());
    if (!run) return selected;
    first = static_cast<uint32_t>(*run);
    last = first + 1;
  }
  std::optional<uint8_t> language;
  if (!filter.language.empty()) {
    const auto& known = manifest_.languages;
    const auto found = std::find(known.begin(), known.end(), BaseLanguage(filter.language));
    if (found == known.end()) return selected;
    language = static_cast<uint8_t>(found - known.begin());
  }
  for (uint32_t i = first; i < last; ++i) {
    const Run& run = manifest_.runs[i];
    if (!Passes(run, manifest_, filter)) continue;
    if (language) {
      SelectLanguage(i, *language, selected);
    } else {
      selected.push_back({i, 0, run.rows});
    }
  }
  return selected;
}

void CommittedState::SelectLanguage(uint32_t run, uint8_t language,
                                    std::vector<PlaceRange>& selected) const {
  const auto languages = sections_[run].languages;
  const auto is = [language](uint8_t l) { return l == language; };
  for (auto at = languages.begin(); at != languages.end();) {
    const auto begin = std::find_if(at, languages.end(), is);
    const auto end = std::find_if_not(begin, languages.end(), is);
    if (begin != end) {
      selected.push_back({run, static_cast<uint32_t>(begin - languages.begin()),
                          static_cast<uint32_t>(end - begin)});
    }
    at = end;
  }
}

std::optional<SegmentRef> CommittedState::FindRow(uint32_t row) const {
  const auto after =
      std::upper_bound(runs_by_row_.begin(), runs_by_row_.end(), row,
                       [&](uint32_t r, uint32_t run) { return r < manifest_.runs[run].first_row; });
  if (after == runs_by_row_.begin()) return std::nullopt;
  const uint32_t run = *(after - 1);
  const uint32_t place = row - manifest_.runs[run].first_row;
  if (place >= manifest_.runs[run].rows) return std::nullopt;
  return SegmentRef{run, place};
}

bool CommittedState::Has(uint32_t tenant, SegmentRef ref) const {
  return ref.video < manifest_.runs.size() && manifest_.runs[ref.video].tenant == tenant &&
         ref.place < manifest_.runs[ref.video].rows;
}

}  // namespace narralytica::index
