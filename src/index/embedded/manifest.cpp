#include "index/embedded/manifest.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "index/embedded/crc32c.hpp"

namespace narralytica::index {
namespace {

constexpr std::string_view kMagic = "NRLM";
constexpr uint32_t kVersion = 1;

class Out {
 public:
  template <typename T>
  void Number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void Text(std::string_view text) {
    Number(static_cast<uint32_t>(text.size()));
    bytes_ += text;
  }
  void Texts(const std::vector<std::string>& texts) {
    Number(static_cast<uint32_t>(texts.size()));
    for (const std::string& text : texts) Text(text);
  }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

// Reads past the end give zeros and make ok() false.
class In {
 public:
  explicit In(std::string_view bytes) : left_(bytes) {}
  template <typename T>
  T Number() {
    T value{};
    const std::string_view part = Take(sizeof value);
    if (ok_) std::memcpy(&value, part.data(), sizeof value);
    return value;
  }
  std::string Text() { return std::string(Take(Number<uint32_t>())); }
  uint32_t Count() {
    const auto count = Number<uint32_t>();
    // Every element has at least four bytes: a count beyond that is damage, not a reason to
    // reserve memory.
    if (count > left_.size() / 4) ok_ = false;
    return ok_ ? count : 0;
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts(Count());
    for (std::string& text : texts) text = Text();
    return texts;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return left_.empty(); }

 private:
  std::string_view Take(size_t count) {
    if (count > left_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view part = left_.substr(0, count);
    left_.remove_prefix(count);
    return part;
  }
  std::string_view left_;
  bool ok_ = true;
};

void WriteRun(const Run& run, Out& out) {
  out.Text(run.video_id);
  out.Number(run.tenant);
  out.Number(run.source);
  out.Number(static_cast<uint8_t>(run.published_at_ms.has_value()));
  out.Number(run.published_at_ms.value_or(0));
  out.Number(run.change_seq);
  out.Number(run.lease_epoch);
  out.Number(run.first_row);
  out.Number(run.rows);
  out.Number(run.scored_words);
  out.Number(static_cast<uint8_t>(run.has_vectors));
  out.Number(run.section.block);
  out.Number(run.section.offset);
  out.Number(run.section.bytes);
  out.Number(run.section.crc);
}

Run ReadRun(In& in) {
  Run run;
  run.video_id = in.Text();
  run.tenant = in.Number<uint32_t>();
  run.source = in.Number<uint32_t>();
  const bool published = in.Number<uint8_t>() != 0;
  const auto published_at_ms = in.Number<int64_t>();
  if (published) run.published_at_ms = published_at_ms;
  run.change_seq = in.Number<int64_t>();
  run.lease_epoch = in.Number<int64_t>();
  run.first_row = in.Number<uint32_t>();
  run.rows = in.Number<uint32_t>();
  run.scored_words = in.Number<uint64_t>();
  run.has_vectors = in.Number<uint8_t>() != 0;
  run.section.block = in.Number<uint32_t>();
  run.section.offset = in.Number<uint64_t>();
  run.section.bytes = in.Number<uint64_t>();
  run.section.crc = in.Number<uint32_t>();
  return run;
}

auto RunKey(const Run& run) { return std::tuple(run.tenant, std::string_view(run.video_id)); }

// The rules that readers rely on without looking again.
bool KeepsRules(const Manifest& manifest) {
  const bool ordered = std::adjacent_find(manifest.runs.begin(), manifest.runs.end(),
                                          [](const Run& a, const Run& b) {
                                            return RunKey(a) >= RunKey(b);
                                          }) == manifest.runs.end();
  return ordered && manifest.languages.size() <= kLanguagesMax &&
         std::is_sorted(manifest.blocks.begin(), manifest.blocks.end()) &&
         std::all_of(manifest.runs.begin(), manifest.runs.end(), [&](const Run& run) {
           const bool block_known =
               run.rows == 0 || std::binary_search(manifest.blocks.begin(), manifest.blocks.end(),
                                                   run.section.block);
           return block_known && run.tenant < manifest.tenants.size() &&
                  run.source < manifest.sources.size() &&
                  uint64_t{run.first_row} + run.rows <= manifest.next_row &&
                  run.section.offset % kSectionAlignment == 0 &&
                  (!run.has_vectors || manifest.dimension > 0);
         });
}

}  // namespace

Error DamagedPart(std::string_view part, std::string cause) {
  return {ErrorCode::kCorrupt, "the " + std::string(part) + " of the index is damaged",
          "rebuild it from the stored transcripts and vectors: `narralytica index rebuild`",
          std::move(cause), "index_damaged"};
}

std::optional<size_t> Manifest::FindRun(uint32_t tenant, std::string_view video_id) const {
  const auto key = std::tuple(tenant, video_id);
  const auto found = std::lower_bound(
      runs.begin(), runs.end(), key, [](const Run& run, const auto& k) { return RunKey(run) < k; });
  if (found == runs.end() || RunKey(*found) != key) return std::nullopt;
  return static_cast<size_t>(found - runs.begin());
}

std::optional<uint32_t> Manifest::FindTenant(std::string_view tenant_id) const {
  const auto found = std::find(tenants.begin(), tenants.end(), tenant_id);
  if (found == tenants.end()) return std::nullopt;
  return static_cast<uint32_t>(found - tenants.begin());
}

std::string EncodeManifest(const Manifest& manifest) {
  NRL_ASSERT(KeepsRules(manifest));
  Out out;
  out.bytes() += kMagic;
  out.Number(kVersion);
  out.Number(manifest.number);
  out.Number(manifest.seq);
  out.Number(manifest.next_row);
  out.Number(manifest.next_block);
  out.Text(manifest.model);
  out.Text(manifest.model_hash);
  out.Number(manifest.dimension);
  out.Texts(manifest.tenants);
  out.Texts(manifest.languages);
  out.Texts(manifest.sources);
  out.Number(static_cast<uint32_t>(manifest.blocks.size()));
  for (const uint32_t block : manifest.blocks) out.Number(block);
  out.Number(static_cast<uint32_t>(manifest.runs.size()));
  for (const Run& run : manifest.runs) WriteRun(run, out);
  out.Number(Crc32c(out.bytes()));
  return std::move(out.bytes());
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  const auto damaged = [](std::string cause) {
    return Fail(DamagedPart("list of recordings", std::move(cause)));
  };
  uint32_t crc = 0;
  if (bytes.size() < kMagic.size() + sizeof crc) return damaged("manifest cut off");
  const std::string_view content = bytes.substr(0, bytes.size() - sizeof crc);
  std::memcpy(&crc, bytes.data() + content.size(), sizeof crc);
  if (Crc32c(content) != crc) return damaged("manifest checksum differs");
  if (!content.starts_with(kMagic)) return damaged("no manifest magic");

  In in(content.substr(kMagic.size()));
  if (in.Number<uint32_t>() != kVersion) return damaged("another manifest version");
  Manifest manifest;
  manifest.number = in.Number<uint64_t>();
  manifest.seq = in.Number<int64_t>();
  manifest.next_row = in.Number<uint32_t>();
  manifest.next_block = in.Number<uint32_t>();
  manifest.model = in.Text();
  manifest.model_hash = in.Text();
  manifest.dimension = in.Number<uint32_t>();
  manifest.tenants = in.Texts();
  manifest.languages = in.Texts();
  manifest.sources = in.Texts();
  manifest.blocks.resize(in.Count());
  for (uint32_t& block : manifest.blocks) block = in.Number<uint32_t>();
  const uint32_t runs = in.Count();
  manifest.runs.reserve(runs);
  for (uint32_t i = 0; i < runs && in.ok(); ++i) manifest.runs.push_back(ReadRun(in));
  if (!in.ok() || !in.at_end()) return damaged("manifest has another length");
  if (!KeepsRules(manifest)) return damaged("manifest breaks its rules");
  return manifest;
}

}  // namespace narralytica::index
