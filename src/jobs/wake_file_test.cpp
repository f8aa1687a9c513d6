#include "jobs/wake_file.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace narralytica::jobs {
namespace {

class WakeFileTest : public testing::Test {
 protected:
  // Whether a wake comes within the time.
  bool Comes(std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, within, [this] { return wakes_ > 0; });
  }
  std::function<void()> Count() {
    return [this] {
      const std::lock_guard lock(mutex_);
      ++wakes_;
      changed_.notify_all();
    };
  }

  platform::TemporaryFolder folder_ =
      std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "wake"));
  std::mutex mutex_;
  std::condition_variable changed_;
  int wakes_ = 0;
};

TEST_F(WakeFileTest, ATouchWakesEveryListenerWhoeverMadeTheFile) {
  const WakeFile mine(folder_.path() + "/wake"), others(folder_.path() + "/wake");
  std::atomic<int> second = 0;
  const WakeListener first_listener(mine, Count());
  const WakeListener second_listener(others, [&] { ++second; });
  others.Touch();
  EXPECT_TRUE(Comes(std::chrono::seconds(10)));
}

TEST_F(WakeFileTest, TwinWithoutATouchNothingComes) {
  const WakeFile mine(folder_.path() + "/wake"), another(folder_.path() + "/another");
  const WakeListener listener(mine, Count());
  another.Touch();
  EXPECT_FALSE(Comes(std::chrono::milliseconds(50)));
}

TEST_F(WakeFileTest, AFolderThatIsNotThereIsNoMatter) {
  const WakeFile lost(folder_.path() + "/nowhere/wake");
  lost.Touch();
  const WakeListener listener(lost, Count());
  EXPECT_FALSE(Comes(std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace narralytica::jobs
