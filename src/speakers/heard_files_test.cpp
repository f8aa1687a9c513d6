#include "speakers/heard_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/environment.hpp"
#include "platform/file.hpp"
#include "speakers/scripted_hearing.hpp"

namespace narralytica::speakers {
namespace {

class HeardFilesOf : public testing::Test {
 protected:
  HeardFiles Open(const std::string& model_hash) {
    return std::move(*HeardFiles::Open(parent(), job_, model_hash));
  }
  std::string parent() const { return folder_.path() + "/voices"; }

  JobId job_ = JobId::New(SystemEnvironment());
  platform::TemporaryFolder folder_ =
      std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "heard"));
  VoiceChunk chunk_ =
      HearScript(Grid(60 * kSampleRate), 0,
                 {std::vector<float>(kCarriedFrames), std::vector<float>(kCarriedFrames)},
                 [](double) { return 1U; });
};

TEST_F(HeardFilesOf, WhatWasKeptIsThereForTheNextAttempt) {
  ASSERT_TRUE(Open("model").Keep(3, chunk_));
  const auto loaded = Open("model").Load(3);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(PackVoiceChunk(*loaded), PackVoiceChunk(chunk_));
  EXPECT_FALSE(Open("model").Load(4));
}

TEST_F(HeardFilesOf, AnotherModelsAreNotTaken) {
  ASSERT_TRUE(Open("model").Keep(3, chunk_));
  EXPECT_FALSE(Open("other").Load(3));
}

TEST_F(HeardFilesOf, ADamagedFileIsAsGoodAsNone) {
  const HeardFiles files = Open("model");
  ASSERT_TRUE(files.Keep(3, chunk_));
  const std::string path = parent() + "/" + job_.str() + "-model/3.voices";
  ASSERT_TRUE(platform::WriteFileAtomically(path, std::string_view("NRVC")));
  EXPECT_FALSE(files.Load(3));
}

TEST_F(HeardFilesOf, WhatIsForgottenIsGone) {
  const HeardFiles files = Open("model");
  ASSERT_TRUE(files.Keep(3, chunk_));
  files.Forget();
  EXPECT_TRUE(std::filesystem::is_empty(parent()));
}

TEST_F(HeardFilesOf, FoldersNobodyCameBackForGoAfterAWeek) {
  ASSERT_TRUE(Open("model").Keep(3, chunk_));
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(8 * 24);
  std::filesystem::last_write_time(parent() + "/" + job_.str() + "-model", old);
  EXPECT_FALSE(Open("model").Load(3));
}

}  // namespace
}  // namespace narralytica::speakers
