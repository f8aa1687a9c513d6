#include "transcript/word_cache.hpp"

#include <gtest/gtest.h>

#include "access/tx.hpp"
#include "platform/file.hpp"

namespace narralytica::transcript {
namespace {

constexpr int kWords = 100;
constexpr size_t kBytesOfOne = kWords * sizeof(Word);

// What was read is kept: an object that is removed is answered from the cache or not at all.
class WordCacheTest : public testing::Test {
 protected:
  Transcript Stored(const std::string& text) {
    const SegmentWords words{std::vector<Word>(kWords, {1, 2, text, .5})};
    const std::string bytes = EncodeWords(words);
    Transcript transcript;
    transcript.id = TranscriptId::New(environment_);
    const auto put = objects_->Put(access::DefaultTenant(),
                                   {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    EXPECT_TRUE(put);
    transcript.words = *put;
    return transcript;
  }
  std::string TextOf(WordCache& cache, const Transcript& transcript) {
    const auto words = cache.Load(*objects_, transcript);
    return words ? (*words)->at(0).at(0).text : std::string(ToString(words.error().code));
  }
  void Remove(const Transcript& transcript) { ASSERT_TRUE(objects_->Remove(transcript.words.key)); }

  Environment environment_ = SystemEnvironment();
  Result<platform::TemporaryFolder> folder_ =
      platform::TemporaryFolder::Create(testing::TempDir(), "words");
  std::unique_ptr<platform::ObjectStore> objects_ =
      std::move(*platform::OpenFolderStore(folder_->path()));
};

TEST_F(WordCacheTest, AnswersWithoutReadingAgain) {
  WordCache cache(4 * kBytesOfOne);
  const Transcript transcript = Stored("spoken");
  EXPECT_EQ(TextOf(cache, transcript), "spoken");
  Remove(transcript);
  EXPECT_EQ(TextOf(cache, transcript), "spoken");
  WordCache fresh(4 * kBytesOfOne);
  EXPECT_EQ(TextOf(fresh, transcript), "not_found");  // the cache it was that answered
}

TEST_F(WordCacheTest, TheOneLeastRecentlyAskedForGoes) {
  WordCache cache(3 * kBytesOfOne);  // two and their overhead
  const Transcript first = Stored("first");
  const Transcript second = Stored("second");
  const Transcript third = Stored("third");
  for (const Transcript* each : {&first, &second, &first, &third}) TextOf(cache, *each);
  EXPECT_LE(cache.bytes(), 3 * kBytesOfOne);
  for (const Transcript& each : {first, second, third}) Remove(each);
  EXPECT_EQ(TextOf(cache, first), "first");
  EXPECT_EQ(TextOf(cache, third), "third");
  EXPECT_EQ(TextOf(cache, second), "not_found");
}

TEST_F(WordCacheTest, WhatIsLargerThanAllIsReadEachTime) {
  WordCache cache(kBytesOfOne / 2);
  const Transcript transcript = Stored("large");
  EXPECT_EQ(TextOf(cache, transcript), "large");
  EXPECT_EQ(cache.bytes(), 0u);
  Remove(transcript);
  EXPECT_EQ(TextOf(cache, transcript), "not_found");
}

TEST_F(WordCacheTest, LongWordsCount) {
  WordCache cache(kBytesOfOne * 20);
  const Transcript transcript = Stored(std::string(1'000, 'x'));
  TextOf(cache, transcript);
  EXPECT_GT(cache.bytes(), size_t{kWords} * 1'000);
}

}  // namespace
}  // namespace narralytica::transcript
