// For tests: a PostgreSQL server of a test program's own.
//
// Started at its first use in about a second, on a Unix socket in a temporary folder, without any
// durability; gone with the program, even when that crashes. Its databases belong to the plain role
// `narralytica`, which row-level security binds, and sort by the rules of a language, so that a
// column which forgot COLLATE "C" shows. The server does not run as root: root starts it as the
// user `postgres`.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "platform/file.hpp"
#include "platform/process/child_process.hpp"

namespace narralytica::platform {

class ThrowawayPostgres {
 public:
  // Ends the test program, saying what to install, where there is no PostgreSQL 15 or newer.
  static ThrowawayPostgres& Get() {
    static ThrowawayPostgres server;
    return server;
  }

  // A URL for the new, empty database of that name, made from another one when it is named.
  std::string CreateDatabase(const std::string& name, const std::string& like = "template1") {
    Sql(fmt::format("CREATE DATABASE {} OWNER narralytica TEMPLATE {}", name, like));
    return Url(name);
  }
  std::string Url(const std::string& database, const std::string& user = "narralytica") const {
    return fmt::format("postgres://{}@/{}?host={}", user, database, folder());
  }
  // As the superuser.
  void Sql(const std::string& statement, const std::string& database = "postgres") {
    Require("psql", {"-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder(), "-U", "postgres", "-d",
                     database, "-c", statement});
  }

  void Stop() {
    // SIGQUIT is the server's word for at once.
    kill(server_->pid(), SIGQUIT);
    (void)server_->Wait(Deadline::In(kStartMax));
    server_.reset();
  }
  void Start() {
    const std::string log = folder() + "/log";
    const FileDescriptor log_file(
        open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ChildOptions options = Command("postgres", {"-D", DataFolder(), "-k", folder()});
    for (const char* setting :
         {"listen_addresses=", "fsync=off", "full_page_writes=off", "synchronous_commit=off",
          "shared_buffers=16MB", "max_connections=60", "deadlock_timeout=200ms"}) {
      options.arguments.insert(options.arguments.end(), {"-c", setting});
    }
    options.fds = {{log_file.get(), 1}, {log_file.get(), 2}};
    server_.emplace(std::move(*ChildProcess::Spawn(options)));
    const Deadline deadline = Deadline::In(kStartMax);
    while (!Ready()) {
      if (deadline.expired() || server_->Poll()) Give("PostgreSQL does not start: see " + log);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  ~ThrowawayPostgres() {
    if (server_) Stop();
  }

 private:
  static constexpr std::chrono::seconds kStartMax{20};

  ThrowawayPostgres() : folder_(std::move(*TemporaryFolder::Create("/tmp", "nrl-pg"))) {
    FindPrograms();
    if (const passwd* user = getuid() == 0 ? getpwnam("postgres") : nullptr) {
      EXPECT_EQ(chown(folder().c_str(), user->pw_uid, user->pw_gid), 0);
    }
    Require("initdb", {"-D", DataFolder(), "--no-sync", "--no-instructions", "--auth=trust",
                       "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8",
                       "--locale-provider=icu", "--icu-locale=en-US"});
    Start();
    Sql("CREATE ROLE narralytica LOGIN");
  }

  const std::string& folder() const { return folder_.path(); }
  std::string DataFolder() const { return folder() + "/data"; }
  bool Ready() const {
    const auto state = ReadFile(DataFolder() + "/postmaster.pid", 4096);
    return state && state->find("ready") != std::string::npos;
  }

  [[noreturn]] static void Give(const std::string& why) {
    fmt::print(stderr, "{}\n", why);
    std::_Exit(1);
  }

  void FindPrograms() {
    std::error_code error;
    int newest = 14;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
      const int version = std::atoi(entry.path().filename().c_str());
      if (version <= newest || !std::filesystem::exists(entry.path() / "bin/initdb")) continue;
      newest = version;
      programs_ = entry.path() / "bin";
    }
    if (programs_.empty()) {
      Give(
          "these tests start a PostgreSQL of their own: apt-get install postgresql, or"
          " tools/setup.sh test");
    }
  }

  ChildOptions Command(const std::string& program, std::vector<std::string> arguments) const {
    ChildOptions options;
    options.program = "/usr/bin/setpriv";
    if (getuid() == 0) {
      options.arguments = {"--reuid=postgres", "--regid=postgres", "--clear-groups"};
    }
    options.arguments.insert(options.arguments.end(),
                             {"--pdeathsig=QUIT", "--", programs_ + "/" + program});
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    return options;
  }
  void Require(const std::string& program, std::vector<std::string> arguments) const {
    auto child = ChildProcess::Spawn(Command(program, std::move(arguments)));
    if (!child) Give(program + ": " + child.error().message + " " + child.error().cause);
    const auto exit = child->Wait(Deadline::In(kStartMax));
    if (!exit || !exit->ok()) Give(program + " failed");
  }

  TemporaryFolder folder_;
  std::string programs_;
  std::optional<ChildProcess> server_;
};

}  // namespace narralytica::platform
