// Words of transcripts that were read a moment ago: a search shows hits of the same recordings over
// and over, and decoding the words of six hours takes longer than the search.
//
// A transcript's words never change, so that nothing here goes stale. The one least recently asked
// for goes first. Thread-safe; two threads that miss at once both read.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "transcript/transcript_store.hpp"

namespace narralytica::transcript {

// The words of a few dozen hours.
inline constexpr size_t kWordCacheBytesMax = size_t{64} << 20;

class WordCache {
 public:
  explicit WordCache(size_t bytes_max = kWordCacheBytesMax) : bytes_max_(bytes_max) {}

  // Never null. The caller has read `transcript` as its tenant; LoadWords' errors, which are not
  // kept.
  Result<std::shared_ptr<const SegmentWords>> Load(platform::ObjectStore& objects,
                                                   const Transcript& transcript);
  // Memory of what is held now, at most `bytes_max`.
  size_t bytes() const;

 private:
  struct Entry {
    std::string transcript;
    std::shared_ptr<const SegmentWords> words;
    size_t bytes = 0;
  };
  std::shared_ptr<const SegmentWords> Find(const std::string& transcript);
  void Keep(Entry entry);

  const size_t bytes_max_;
  mutable std::mutex mutex_;
  size_t bytes_ = 0;
  std::list<Entry> entries_;  // most recently asked for first
  std::map<std::string, std::list<Entry>::iterator> by_transcript_;
};

}  // namespace narralytica::transcript
