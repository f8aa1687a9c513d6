#include "index/embedded/vector_block.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "index/embedded/crc32c.hpp"
#include "platform/file.hpp"

namespace narralytica::index {
namespace {

constexpr std::string_view kMagic = "NRLB";
constexpr uint32_t kVersion = 1;
constexpr const char* kPart = "vector part";

uint64_t Aligned(uint64_t bytes) {
  return (bytes + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

void Pad(std::string& bytes) { bytes.resize(Aligned(bytes.size()), '\0'); }

}  // namespace

std::string EncodeSection(std::span<const uint8_t> languages, const VideoVectors* vectors) {
  std::string bytes(reinterpret_cast<const char*>(languages.data()), languages.size());
  Pad(bytes);
  if (vectors == nullptr) return bytes;
  bytes.append(reinterpret_cast<const char*>(vectors->scales.data()),
               vectors->scales.size() * sizeof(float));
  Pad(bytes);
  bytes.append(reinterpret_cast<const char*>(vectors->values.data()), vectors->values.size());
  Pad(bytes);
  return bytes;
}

std::optional<SectionView> ViewSection(std::span<const uint8_t> bytes, uint32_t rows,
                                       uint32_t dimension) {
  SectionView view;
  const uint64_t languages_bytes = Aligned(rows);
  const uint64_t scales_bytes = Aligned(uint64_t{rows} * sizeof(float));
  const uint64_t values_bytes = Aligned(uint64_t{rows} * dimension);
  const bool has_vectors = bytes.size() != languages_bytes;
  if (has_vectors && bytes.size() != languages_bytes + scales_bytes + values_bytes) {
    return std::nullopt;
  }
  view.languages = bytes.first(rows);
  if (!has_vectors) return view;
  const uint8_t* scales = bytes.data() + languages_bytes;
  view.vectors.scales = std::span(reinterpret_cast<const float*>(scales), rows);
  view.vectors.values = reinterpret_cast<const int8_t*>(scales + scales_bytes);
  return view;
}

std::string BlockFileName(uint32_t number) { return fmt::format("block-{:08}.nrb", number); }

BlockWriter::BlockWriter(uint32_t number) : number_(number) {
  bytes_ += kMagic;
  bytes_.append(reinterpret_cast<const char*>(&kVersion), sizeof kVersion);
  bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  Pad(bytes_);
}

bool BlockWriter::empty() const { return bytes_.size() == kSectionAlignment; }

Section BlockWriter::Add(std::string_view section_bytes) {
  NRL_ASSERT(section_bytes.size() % kSectionAlignment == 0);
  const Section section{number_, bytes_.size(), section_bytes.size(), Crc32c(section_bytes)};
  bytes_ += section_bytes;
  return section;
}

Status BlockWriter::WriteTo(const std::string& folder) const {
  return platform::WriteFileAtomically(folder + "/" + BlockFileName(number_), bytes_);
}

Result<std::shared_ptr<const Block>> Block::Map(const std::string& folder, uint32_t number) {
  const std::string path = folder + "/" + BlockFileName(number);
  const platform::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Fail(platform::ErrnoError("a file of the index", errno));
  struct stat info{};
  if (fstat(file.get(), &info) != 0) {
    return Fail(platform::ErrnoError("a file of the index", errno));
  }
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size < kSectionAlignment) return Fail(DamagedPart(kPart, path + " is cut off"));
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) return Fail(platform::ErrnoError("a file of the index", errno));
  std::shared_ptr<const Block> block(new Block(static_cast<const uint8_t*>(data), size));

  std::string header(kMagic);
  header.append(reinterpret_cast<const char*>(&kVersion), sizeof kVersion);
  header.append(reinterpret_cast<const char*>(&number), sizeof number);
  if (std::memcmp(data, header.data(), header.size()) != 0) {
    return Fail(DamagedPart(kPart, path + " has another header"));
  }
  return block;
}

Block::~Block() { munmap(const_cast<uint8_t*>(data_), size_); }

Status Block::Check(const Section& section) const {
  if (section.offset > size_ || section.bytes > size_ - section.offset) {
    return Fail(DamagedPart(kPart, "a section lies outside its block"));
  }
  if (Crc32c(Get(section)) != section.crc) {
    return Fail(DamagedPart(kPart, "a section's checksum differs"));
  }
  return {};
}

std::span<const uint8_t> Block::Get(const Section& section) const {
  return {data_ + section.offset, section.bytes};
}

}  // namespace narralytica::index
