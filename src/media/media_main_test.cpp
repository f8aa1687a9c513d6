// The test program is also the media child (`media_test media`, as the real binary does it), and
// several bad ones, for the tests of its parent.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include "media/budget.hpp"
#include "media/child.hpp"
#include "media/escape_attempts.hpp"
#include "media/protocol.hpp"
#include "platform/process/confinement.hpp"

namespace narralytica::media {
namespace {

void Say(std::string line) {
  line += '\n';
  [[maybe_unused]] const ssize_t wrote = write(kEventsFd, line.data(), line.size());
}

int ErrnoOf(int64_t outcome) { return outcome == -1 ? errno : 0; }

// A child taken over by its input: tries what an attacker would, reports the errno of each.
[[noreturn]] void Attack() {
  if (!platform::ConfineThisProcess({})) _exit(9);
  nlohmann::json report;
  report["open"] = ErrnoOf(open("/etc/passwd", O_RDONLY));
  report["create"] = ErrnoOf(open("planted", O_WRONLY | O_CREAT, 0600));
  report["socket"] = ErrnoOf(socket(AF_INET, SOCK_STREAM, 0));
  report["fork"] = ErrnoOf(syscall(SYS_clone, SIGCHLD, nullptr));
  report["thread"] = ErrnoOf(syscall(SYS_clone, CLONE_VM | CLONE_FS, nullptr));
  report["kill"] = ErrnoOf(kill(getppid(), SIGTERM));
  report["unlink"] = ErrnoOf(unlink("planted"));
  const void* code =
      mmap(nullptr, 4'096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  report["code"] = ErrnoOf(code == MAP_FAILED ? -1 : 0);
  report["write_input"] = ErrnoOf(write(kInputFd, "x", 1));
  Say(ResultEvent(report, {}));
  _exit(0);
}

[[noreturn]] void Misbehave(std::string_view how) {
  signal(SIGPIPE, SIG_IGN);
  const std::string block(65'536, 'a');
  if (how == "attack") Attack();
  if (how == "execute") {
    if (!platform::ConfineThisProcess({})) _exit(9);
    execl("/usr/bin/true", "true", nullptr);
  }
  if (how == "crash") raise(SIGSEGV);
  if (how == "killed") raise(SIGKILL);
  if (how == "silent") _exit(0);
  if (how == "fail") _exit(3);
  if (how == "babble") Say("{\"event\":\"result\"");
  if (how == "endless_line") {
    while (write(kEventsFd, block.data(), block.size()) > 0) {
    }
  }
  if (how == "endless_pcm") {
    while (write(kFirstOutputFd, block.data(), block.size()) > 0) {
    }
  }
  if (how == "twice") {
    Say(ResultEvent({{"samples", 0}}, {}));
    Say(ResultEvent({{"samples", 0}}, {}));
  }
  if (how == "compute") {  // without ever asking whether it may
    MediaLimits limits;
    limits.cpu_seconds_base = 1;
    WatchBudget(limits);
    if (!platform::ConfineThisProcess({})) _exit(9);
    volatile uint64_t turns = 0;
    while (true) turns = turns + 1;
  }
  if (how == "hang") {
    signal(SIGTERM, SIG_IGN);
    Say(ProgressEvent(0.5));
    while (true) pause();
  }
  _exit(0);
}

}  // namespace
}  // namespace narralytica::media

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "media") narralytica::media::MediaChildMain();
  if (argc == 3 && std::string_view(argv[1]) == "bad") narralytica::media::Misbehave(argv[2]);
  if (argc == 3 && std::string_view(argv[1]) == "escape") narralytica::media::EscapeMain(argv[2]);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
