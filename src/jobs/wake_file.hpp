// A hint between the processes of one data folder that there is work, so that an idle worker need
// not wait for its next look.
//
// A file that whoever enqueues touches after the commit, and that workers watch. It is a hint and
// no more: none is needed for a job to be found, one too many costs a look, and many at once are
// one. Workers on other machines look as often as they do.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "platform/file.hpp"

namespace narralytica::jobs {

// Thread-safe, and cheap enough for every commit. Failures are no matter: workers look anyway.
class WakeFile {
 public:
  explicit WakeFile(std::string path) : path_(std::move(path)) {}
  void Touch() const;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// Calls `wake` from a thread of its own after touches, until it is destroyed. Without inotify it
// never does.
class WakeListener {
 public:
  WakeListener(const WakeFile& file, std::function<void()> wake);
  ~WakeListener();
  WakeListener(const WakeListener&) = delete;
  WakeListener& operator=(const WakeListener&) = delete;

 private:
  void Listen();

  const std::function<void()> wake_;
  platform::FileDescriptor events_, stop_;
  std::jthread thread_;
};

}  // namespace narralytica::jobs
