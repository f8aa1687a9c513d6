#include "transcript/word_cache.hpp"

namespace narralytica::transcript {
namespace {

size_t MemoryOf(const SegmentWords& words) {
  const size_t inside = std::string().capacity();  // what a string holds without an allocation
  size_t bytes = sizeof(SegmentWords);
  for (const auto& segment : words) {
    bytes += sizeof(segment) + segment.capacity() * sizeof(Word);
    for (const Word& word : segment) {
      bytes += word.text.capacity() > inside ? word.text.capacity() + 1 : 0;
    }
  }
  return bytes;
}

}  // namespace

Result<std::shared_ptr<const SegmentWords>> WordCache::Load(platform::ObjectStore& objects,
                                                            const Transcript& transcript) {
  const std::string id = transcript.id.str();
  if (auto known = Find(id)) return known;
  NRL_TRY(SegmentWords read, LoadWords(objects, transcript));
  auto words = std::make_shared<const SegmentWords>(std::move(read));
  Keep({id, words, MemoryOf(*words)});
  return words;
}

size_t WordCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::shared_ptr<const SegmentWords> WordCache::Find(const std::string& transcript) {
  const std::lock_guard lock(mutex_);
  const auto found = by_transcript_.find(transcript);
  if (found == by_transcript_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->words;
}

void WordCache::Keep(Entry entry) {
  const std::lock_guard lock(mutex_);
  if (entry.bytes > bytes_max_ || by_transcript_.contains(entry.transcript)) return;
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  by_transcript_[entries_.front().transcript] = entries_.begin();
  while (bytes_ > bytes_max_) {
    bytes_ -= entries_.back().bytes;
    by_transcript_.erase(entries_.back().transcript);
    entries_.pop_back();
  }
}

}  // namespace narralytica::transcript
