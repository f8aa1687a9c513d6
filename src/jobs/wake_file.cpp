#include "jobs/wake_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace narralytica::jobs {

void WakeFile::Touch() const {
  if (utimensat(AT_FDCWD, path_.c_str(), nullptr, 0) == 0 || errno != ENOENT) return;
  const platform::FileDescriptor made(
      open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
}

WakeListener::WakeListener(const WakeFile& file, std::function<void()> wake)
    : wake_(std::move(wake)),
      events_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  file.Touch();
  if (!events_.valid() || !stop_.valid()) return;
  if (inotify_add_watch(events_.get(), file.path().c_str(), IN_ATTRIB) < 0) return;
  thread_ = std::jthread([this] { Listen(); });
}

WakeListener::~WakeListener() {
  const uint64_t one = 1;
  if (stop_.valid()) [[maybe_unused]]
    const ssize_t told = write(stop_.get(), &one, sizeof(one));
}

void WakeListener::Listen() {
  std::array<char, 4'096> ignored{};
  while (true) {
    std::array<pollfd, 2> waiting{{{events_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents == 0) continue;
    while (read(events_.get(), ignored.data(), ignored.size()) > 0) {
    }
    wake_();
  }
}

}  // namespace narralytica::jobs
