// What a model needs to work, by its folder.
#include "transcript/model_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "platform/file.hpp"

namespace narralytica::transcript {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;

class ModelFolder : public testing::Test {
 protected:
  void SetUp() override {
    auto made = platform::TemporaryFolder::Create(testing::TempDir(), "model");
    ASSERT_TRUE(made);
    folder_ = std::make_unique<platform::TemporaryFolder>(std::move(*made));
  }
  void Write(const char* name, uint64_t bytes) {
    const auto path = std::filesystem::path(folder_->path()) / name;
    std::ofstream(path).put('x');
    std::filesystem::resize_file(path, bytes);
  }
  std::unique_ptr<platform::TemporaryFolder> folder_;
};

TEST_F(ModelFolder, ALargerModelNeedsMore) {
  Write("encoder.onnx", 40 * kMegabyte);
  Write("tokens.json", 900 * kMegabyte);
  EXPECT_EQ(EngineBytesFor(folder_->path()), (620 + 80) * kMegabyte);
  Write("decoder.ort", 100 * kMegabyte);
  EXPECT_EQ(EngineBytesFor(folder_->path()), (620 + 280) * kMegabyte);
}

TEST_F(ModelFolder, ACeilingTooLowIsToldWithTheNumber) {
  Write("encoder.onnx", 40 * kMegabyte);
  EXPECT_TRUE(FitsEngine(folder_->path(), 700 * kMegabyte));
  const Status low = FitsEngine(folder_->path(), 700 * kMegabyte - 1);
  ASSERT_FALSE(low);
  EXPECT_EQ(low.error().code, ErrorCode::kInvalid);
  EXPECT_NE(low.error().message.find("needs 700 MiB"), std::string::npos) << low.error().message;
  EXPECT_NE(low.error().hint.find("734003200"), std::string::npos) << low.error().hint;
}

}  // namespace
}  // namespace narralytica::transcript
