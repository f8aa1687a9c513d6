#include "index/embedded/embedded_writer.hpp"

#include <xapian.h>
#include <algorithm>
#include <filesystem>
#include <set>

#include "index/embedded/committed_state.hpp"
#include "index/embedded/embedded_reader.hpp"
#include "index/text_analysis.hpp"

namespace narralytica::index {
namespace {

namespace fs = std::filesystem;

// More block files than this are merged, smallest first, down to half; so are files of which more
// than half is dead.
constexpr size_t kBlocksMax = 32;
constexpr uint64_t kRowsMax = 0xF000'0000;

std::unexpected<Error> Invalid(std::string message) {
  return Fail(ErrorCode::kInvalid, std::move(message), "index the recording's current transcript");
}

Status CheckSegment(const IndexedSegment& segment) {
  if (segment.text.size() > kSegmentTextBytesMax) return Invalid("a segment's text is too long");
  for (const std::string* field : {&segment.language, &segment.speaker_name, &segment.speaker_id}) {
    if (field->size() > kShortFieldBytesMax) return Invalid("a field of a segment is too long");
  }
  const auto [start_ms, end_ms] = segment.range;
  if (start_ms < 0 || end_ms < start_ms) return Invalid("a segment ends before it starts");
  if (segment.id.empty()) return Invalid("a segment has no id");
  return {};
}

Status CheckRecording(const Recording& recording) {
  if (recording.tenant_id.empty() || recording.video_id.empty()) {
    return Invalid("a recording without tenant or video cannot be indexed");
  }
  if (recording.title.size() > kShortFieldBytesMax ||
      recording.source.size() > kShortFieldBytesMax) {
    return Invalid("the recording's title or source is too long");
  }
  if (recording.segments.size() > kSegmentsPerVideoMax) {
    return Invalid("the recording has too many segments");
  }
  for (const IndexedSegment& segment : recording.segments) NRL_CHECK(CheckSegment(segment));
  const auto& segments = recording.segments;
  for (size_t i = 1; i < segments.size(); ++i) {
    if (segments[i - 1].segment_index >= segments[i].segment_index) {
      return Invalid("the recording's segments are not in order");
    }
  }
  if (!recording.vectors) return {};
  NRL_CHECK(Validate(*recording.vectors));
  if (recording.vectors->size() != segments.size()) {
    return Invalid("the recording has not one vector per segment");
  }
  return {};
}

class EmbeddedWriter final : public Writer {
 public:
  explicit EmbeddedWriter(WriterParts parts)
      : parts_(std::move(parts)), paths_(PathsOf(parts_.index_folder, parts_.generation)) {}

  ~EmbeddedWriter() override {
    try {
      if (open_) words_.cancel_transaction();
    } catch (const Xapian::Error&) {  // what was not committed is lost either way
      open_ = false;
    }
  }

  Status Open() {
    NRL_CHECK(PrepareGeneration(paths_));
    return GuardXapian([&]() -> Status {
      words_ = Xapian::WritableDatabase(paths_.words(), Xapian::DB_CREATE_OR_OPEN);
      NRL_TRY(const WordsCommit commit, ReadWordsCommit(words_));
      NRL_TRY(state_,
              CommittedState::Load(parts_.index_folder, parts_.generation, commit, nullptr));
      manifest_ = state_->manifest();
      RemoveUnused();
      words_.begin_transaction();
      open_ = true;
      StartBlock();
      return {};
    });
  }

  Result<Applied> Replace(const Recording& recording, Change change) override {
    NRL_CHECK(CheckUsable());
    NRL_CHECK(CheckRecording(recording));
    NRL_CHECK(CheckRoom(recording));
    NRL_TRY(const Applied applied,
            Admit(recording.tenant_id.str(), recording.video_id.str(), change));
    if (applied == Applied::kAlreadyNewer) return applied;
    if (recording.vectors) NRL_CHECK(AdoptModel(*recording.vectors));
    NRL_TRY(const std::string languages, LanguageColumn(recording));
    return Spending([&]() -> Result<Applied> {
      Run& run = RunFor(recording.tenant_id.str(), recording.video_id.str());
      RemoveRows(run);
      run.source = Intern(manifest_.sources, recording.source);
      run.published_at_ms.reset();
      if (recording.published_at) run.published_at_ms = recording.published_at->value;
      AddRows(recording, languages, run);
      NoteChange(run, change);
      return Applied::kApplied;
    });
  }

  Result<Applied> Delete(const TenantId& tenant, const VideoId& video, Change change) override {
    NRL_CHECK(CheckUsable());
    NRL_TRY(const Applied applied, Admit(tenant.str(), video.str(), change));
    if (applied == Applied::kAlreadyNewer) return applied;
    return Spending([&]() -> Result<Applied> {
      Run& run = RunFor(tenant.str(), video.str());
      RemoveRows(run);
      NoteChange(run, change);
      return Applied::kApplied;
    });
  }

  Status Commit() override {
    NRL_CHECK(CheckUsable());
    if (!changed_) return {};
    return Spending([&]() -> Status {
      NRL_CHECK(WriteVectors());
      After("vectors");
      ++manifest_.number;
      NRL_CHECK(platform::WriteFileAtomically(paths_.manifest(manifest_.number),
                                              EncodeManifest(manifest_)));
      After("manifest");
      const WordsCommit commit{manifest_.number, manifest_.seq};
      WriteWordsCommit(commit, words_);
      words_.commit_transaction();
      open_ = false;
      After("words");
      NRL_TRY(state_,
              CommittedState::Load(parts_.index_folder, parts_.generation, commit, state_.get()));
      RemoveUnused();
      words_.begin_transaction();
      open_ = true;
      changed_ = false;
      StartBlock();
      return {};
    });
  }

 private:
  // A call that, when it fails, leaves the parts out of step: the writer is spent.
  template <typename Call>
  auto Spending(const Call& call) -> decltype(call()) {
    auto result = GuardXapian(call);
    if (!result) spent_ = true;
    return result;
  }

  Status CheckUsable() const {
    if (!spent_) return {};
    return Fail(ErrorCode::kConflict, "this index writer has failed before",
                "open another one and apply the changes again");
  }

  Status CheckRoom(const Recording& recording) const {
    const uint64_t rows = uint64_t{manifest_.next_row} + recording.segments.size();
    if (rows <= kRowsMax) return {};
    return Fail(ErrorCode::kLimited, "this generation of the index has no row numbers left",
                "rebuild into a new generation: `narralytica index rebuild`");
  }

  void After(std::string_view step) const {
    if (parts_.after_step) parts_.after_step(step);
  }

  // Whether the change may be applied, by what is known of the same recording.
  Result<Applied> Admit(const std::string& tenant_id, const std::string& video_id,
                        Change change) const {
    const auto tenant = manifest_.FindTenant(tenant_id);
    const auto found = tenant ? manifest_.FindRun(*tenant, video_id) : std::nullopt;
    if (!found) return Applied::kApplied;
    const Run& known = manifest_.runs[*found];
    if (change.seq < known.change_seq) return Applied::kAlreadyNewer;
    if (change.seq == known.change_seq && change.lease_epoch < known.lease_epoch) {
      return Fail(ErrorCode::kConflict, "another worker has indexed this change with a newer lease",
                  "give the job up; its result is in the index");
    }
    return Applied::kApplied;
  }

  Status AdoptModel(const VideoVectors& vectors) {
    const bool first = manifest_.model_hash.empty();
    if (first) {
      manifest_.model = vectors.model;
      manifest_.model_hash = vectors.model_hash;
      manifest_.dimension = vectors.dimension;
    }
    if (manifest_.model_hash == vectors.model_hash && manifest_.dimension == vectors.dimension) {
      return {};
    }
    return Fail(ErrorCode::kConflict, "the recording's vectors are of another model than the index",
                "rebuild into a new generation: `narralytica index rebuild`");
  }

  static uint32_t Intern(std::vector<std::string>& names, const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<uint32_t>(found - names.begin());
    names.push_back(name);
    return static_cast<uint32_t>(names.size() - 1);
  }

  Result<std::string> LanguageColumn(const Recording& recording) {
    std::string column;
    for (const IndexedSegment& segment : recording.segments) {
      const uint32_t ordinal = Intern(manifest_.languages, BaseLanguage(segment.language));
      if (ordinal >= kLanguagesMax) {
        return Fail(ErrorCode::kLimited, "the index has too many languages",
                    "use ISO 639 codes for languages");
      }
      column += static_cast<char>(ordinal);
    }
    return column;
  }

  Run& RunFor(const std::string& tenant_id, const std::string& video_id) {
    const uint32_t tenant = Intern(manifest_.tenants, tenant_id);
    if (const auto found = manifest_.FindRun(tenant, video_id)) return manifest_.runs[*found];
    Run run;
    run.tenant = tenant;
    run.video_id = video_id;
    run.source = Intern(manifest_.sources, "");
    const auto after =
        std::partition_point(manifest_.runs.begin(), manifest_.runs.end(), [&](const Run& r) {
          return r.tenant != tenant ? r.tenant < tenant : r.video_id < video_id;
        });
    return *manifest_.runs.insert(after, std::move(run));
  }

  void RemoveRows(Run& run) {
    for (uint32_t i = 0; i < run.rows; ++i) words_.delete_document(run.first_row + i + 1);
    run.rows = 0;
    run.scored_words = 0;
    run.has_vectors = false;
    run.section = {};
  }

  void AddRows(const Recording& recording, const std::string& languages, Run& run) {
    run.first_row = manifest_.next_row;
    run.rows = static_cast<uint32_t>(recording.segments.size());
    manifest_.next_row += run.rows;
    for (uint32_t i = 0; i < run.rows; ++i) {
      const WordsDocument made = MakeWordsDocument(run.tenant, recording, i);
      words_.replace_document(run.first_row + i + 1, made.document);
      run.scored_words += made.scored_words;
    }
    if (run.rows == 0) return;
    const VideoVectors* vectors = recording.vectors ? &*recording.vectors : nullptr;
    run.has_vectors = vectors != nullptr;
    const std::span column(reinterpret_cast<const uint8_t*>(languages.data()), languages.size());
    run.section = block_->Add(EncodeSection(column, vectors));
  }

  void NoteChange(Run& run, Change change) {
    run.change_seq = change.seq;
    run.lease_epoch = change.lease_epoch;
    manifest_.seq = std::max(manifest_.seq, change.seq);
    changed_ = true;
  }

  void StartBlock() { block_.emplace(manifest_.next_block); }

  // Writes this batch's block and leaves only blocks in use in the manifest.
  Status WriteVectors() {
    NRL_CHECK(MergeBlocks());
    if (!block_->empty()) {
      NRL_CHECK(block_->WriteTo(paths_.folder));
      ++manifest_.next_block;
    }
    std::set<uint32_t> used;
    for (const Run& run : manifest_.runs) {
      if (run.rows > 0) used.insert(run.section.block);
    }
    manifest_.blocks.assign(used.begin(), used.end());
    return {};
  }

  // Copies the live sections of the blocks to merge into this batch's block.
  Status MergeBlocks() {
    const std::set<uint32_t> merged = BlocksToMerge();
    for (Run& run : manifest_.runs) {
      if (run.rows == 0 || !merged.contains(run.section.block)) continue;
      const Block& block = state_->block(run.section.block);
      NRL_CHECK(block.Check(run.section));
      const auto bytes = block.Get(run.section);
      run.section = block_->Add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    return {};
  }

  std::set<uint32_t> BlocksToMerge() const {
    std::map<uint32_t, uint64_t> live;
    for (const Run& run : manifest_.runs) {
      if (run.rows > 0 && run.section.block != block_->number()) {
        live[run.section.block] += run.section.bytes;
      }
    }
    std::vector<std::pair<uint64_t, uint32_t>> by_size;
    std::set<uint32_t> merged;
    for (const auto& [block, bytes] : live) {
      by_size.emplace_back(bytes, block);
      if (bytes < state_->block(block).bytes() / 2) merged.insert(block);
    }
    if (by_size.size() < kBlocksMax) return merged;
    std::sort(by_size.begin(), by_size.end());
    for (size_t i = 0; i < kBlocksMax / 2; ++i) merged.insert(by_size[i].second);
    return merged;
  }

  // Removes manifests and blocks that neither the committed state nor the one before it names: a
  // reader may be about to open the latter. Failing is harmless; the next writer tries again.
  void RemoveUnused() const {
    std::set<std::string> kept{fs::path(paths_.manifest(manifest_.number)).filename()};
    for (const uint32_t block : manifest_.blocks) kept.insert(BlockFileName(block));
    if (manifest_.number > 1) {
      const std::string before = paths_.manifest(manifest_.number - 1);
      kept.insert(fs::path(before).filename());
      const auto bytes = platform::ReadFile(before, kManifestBytesMax);
      if (const auto older = DecodeManifest(bytes.value_or(""))) {
        for (const uint32_t block : older->blocks) kept.insert(BlockFileName(block));
      }
    }
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(paths_.folder, ignored)) {
      const std::string name = entry.path().filename();
      const bool ours = name.starts_with("manifest-") || name.starts_with("block-");
      if (ours && !kept.contains(name)) fs::remove(entry.path(), ignored);
    }
  }

  WriterParts parts_;
  GenerationPaths paths_;
  Xapian::WritableDatabase words_;
  std::shared_ptr<const CommittedState> state_;  // as of the last commit
  Manifest manifest_;                            // as of the next one
  std::optional<BlockWriter> block_;             // vectors of this batch
  bool open_ = false;                            // a Xapian transaction
  bool changed_ = false;
  bool spent_ = false;
};

}  // namespace

Result<std::unique_ptr<Writer>> MakeEmbeddedWriter(WriterParts parts) {
  auto writer = std::make_unique<EmbeddedWriter>(std::move(parts));
  NRL_CHECK(writer->Open());
  return writer;
}

}  // namespace narralytica::index
