#include "source/uploads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "access/test_store.hpp"

namespace narralytica::source {
namespace {

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class UploadsTest : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    uploads_ = std::move(*Uploads::Open(store_.folder() + "/uploads", store_.environment,
                                        {.expire_after_ms = 1'000, .open_max = 2}));
  }
  template <typename Body>
  auto Do(Body&& body) {
    return access::Write(store_.database(), store_.scope, std::forward<Body>(body));
  }
  Upload Make(int64_t bytes) {
    return *Do([&](access::Tx& tx) { return uploads_->Create(tx, bytes, ""); });
  }
  Result<Upload> Get(const UploadId& id) {
    return Do([&](access::Tx& tx) { return uploads_->Get(tx, id); });
  }
  int Sweep() {
    return *Do([&](access::Tx& tx) { return uploads_->Sweep(tx); });
  }
  bool FileIsThere(const Upload& upload) {
    return std::filesystem::exists(uploads_->PathOf(upload.id));
  }

  access::TestStore store_{GetParam()};
  std::unique_ptr<Uploads> uploads_;
};

INSTANTIATE_TEST_SUITE_P(Databases, UploadsTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(UploadsTest, BytesArriveInPiecesAndSurviveARestart) {
  const Upload upload = Make(10);
  EXPECT_EQ(*uploads_->OffsetOf(upload), 0);
  {
    auto appender = *uploads_->Append(upload, 0);
    ASSERT_TRUE(appender.Write(Bytes("abc")));
    ASSERT_TRUE(appender.Write(Bytes("de")));
    ASSERT_TRUE(appender.Sync());
  }
  Open();
  EXPECT_EQ(*uploads_->OffsetOf(upload), 5);
  auto appender = *uploads_->Append(upload, 5);
  EXPECT_EQ(appender.Write(Bytes("fghijk")).error().reason, "payload_too_large");
  EXPECT_TRUE(appender.Write(Bytes("fghij")));
  EXPECT_EQ(*platform::ReadFile(uploads_->PathOf(upload.id), 100), "abcdefghij");
}

TEST_P(UploadsTest, OnlyTheEndCanBeWrittenAndOnlyOnce) {
  const Upload upload = Make(10);
  EXPECT_EQ(uploads_->Append(upload, 1).error().code, ErrorCode::kConflict);
  auto first = *uploads_->Append(upload, 0);
  auto second = *uploads_->Append(upload, 0);
  ASSERT_TRUE(second.Write(Bytes("xyz")));
  EXPECT_EQ(first.Write(Bytes("abc")).error().code, ErrorCode::kConflict);
  EXPECT_EQ(*platform::ReadFile(uploads_->PathOf(upload.id), 100), "xyz");
}

TEST_P(UploadsTest, AnUploadExpiresUnlessItIsProlonged) {
  const Upload upload = Make(10);
  ASSERT_TRUE(uploads_->Append(upload, 0)->Write(Bytes("abc")));
  store_.clock.Advance(900);
  ASSERT_TRUE(Do([&](access::Tx& tx) { return uploads_->Prolong(tx, upload.id); }));
  store_.clock.Advance(900);
  EXPECT_TRUE(Get(upload.id));
  EXPECT_EQ(Sweep(), 0);
  auto late = *uploads_->Append(upload, 3);
  store_.clock.Advance(101);
  EXPECT_EQ(Get(upload.id).error().reason, "gone");
  EXPECT_EQ(Sweep(), 1);
  EXPECT_FALSE(FileIsThere(upload));
  EXPECT_EQ(late.Sync().error().reason, "gone") << "nothing is acknowledged that was swept";
  store_.clock.Advance(1'001);
  Sweep();
  EXPECT_EQ(Get(upload.id).error().reason, "") << "forgotten";
}

TEST_P(UploadsTest, UnfinishedUploadsAreBounded) {
  const Upload first = Make(1);
  Make(1);
  EXPECT_EQ(Do([&](access::Tx& tx) { return uploads_->Create(tx, 1, ""); }).error().code,
            ErrorCode::kLimited);
  ASSERT_TRUE(Do([&](access::Tx& tx) { return uploads_->Delete(tx, first.id); }));
  EXPECT_EQ(Get(first.id).error().code, ErrorCode::kNotFound);
  Make(1);
}

TEST(ParseUploadMetadata, DecodesValues) {
  const auto metadata = ParseUploadMetadata("filename w6QubXA0,empty,filetype dmlkZW8vbXA0");
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->at("filename"), "ä.mp4");
  EXPECT_EQ(metadata->at("empty"), "");
  EXPECT_EQ(metadata->at("filetype"), "video/mp4");
  EXPECT_TRUE(ParseUploadMetadata("")->empty());
}

TEST(FormatUploadMetadata, IsTheWayBack) {
  const std::map<std::string, std::string> values{
      {"empty", ""}, {"filename", "Sitzung ä, 24.11.mp4"}, {"filetype", "video/mp4"}};
  EXPECT_EQ(ParseUploadMetadata(FormatUploadMetadata(values)), values);
}

TEST(ParseUploadMetadata, RefusesWhatIsNotThat) {
  for (const char* bad : {" x", "a b!", "a ====", ",", "a /w==", "ä YQ==", "a AA=="}) {
    EXPECT_FALSE(ParseUploadMetadata(bad)) << bad;
  }
}

}  // namespace
}  // namespace narralytica::source
