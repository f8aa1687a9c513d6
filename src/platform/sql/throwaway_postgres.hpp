// For tests: a PostgreSQL server of a test program's own.
//
// Started at its first use in about a second, on a Unix socket in a temporary folder, without
// waiting for the disk; gone with the program, even when that crashes. Its databases belong to the
// plain role `narralytica`, which row-level security binds, and sort by the rules of a language, so
// that a column which forgot COLLATE "C" shows. The server does not run as root: root starts it as
// the user `postgres`.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
    return fmt::format("postgres://{}@/{}?host={}&port={}", user, database, folder(), port_);
  }
  // The same through PgBouncer in transaction mode, which hands few connections round to many
  // clients.
  std::string BouncerUrl(const std::string& database) {
    if (!bouncer_) StartBouncer();
    return fmt::format("postgres://narralytica@/{}?host={}&port={}", database, folder(), port_ + 1);
  }
  // As the superuser.
  void Sql(const std::string& statement, const std::string& database = "postgres") {
    Require("psql", {"-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder(), "-p",
                     std::to_string(port_), "-U", "postgres", "-d", database, "-c", statement});
  }

  void Stop() {
    // SIGQUIT is the server's word for at once.
    kill(server_->pid(), SIGQUIT);
    (void)server_->Wait(Deadline::In(kStartMax));
    server_.reset();
  }
  // With settings of postgresql.conf, "name=value", beside its own.
  void Start(const std::vector<std::string>& settings = {}) {
    std::vector<std::string> arguments{"-D",     DataFolder(), "-k",
                                       folder(), "-p",         std::to_string(port_)};
    for (const char* setting :
         {"listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB",
          "max_connections=60", "deadlock_timeout=200ms"}) {
      arguments.insert(arguments.end(), {"-c", setting});
    }
    for (const std::string& setting : settings) {
      arguments.insert(arguments.end(), {"-c", setting});
    }
    server_.emplace(SpawnLogged(programs_ + "/postgres", std::move(arguments)));
    WaitUntil("PostgreSQL", *server_, [this] {
      const auto state = ReadFile(DataFolder() + "/postmaster.pid", 4096);
      return state && state->find("ready") != std::string::npos;
    });
  }

  const std::string& folder() const { return folder_.path(); }
  std::string DataFolder() const { return folder() + "/data"; }
  int port() const { return port_; }

  ~ThrowawayPostgres() {
    if (server_) Stop();
  }

 private:
  static constexpr std::chrono::seconds kStartMax{20};
  static constexpr const char* kBouncer = "/usr/sbin/pgbouncer";

  ThrowawayPostgres() : folder_(std::move(*TemporaryFolder::Create("/tmp", "nrl-pg"))) {
    FindPrograms();
    if (const passwd* user = getuid() == 0 ? getpwnam("postgres") : nullptr) {
      EXPECT_EQ(chown(folder().c_str(), user->pw_uid, user->pw_gid), 0);
    }
    port_ = FreePort();
    Require("initdb", {"-D", DataFolder(), "--no-sync", "--no-instructions", "--auth=trust",
                       "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8",
                       "--locale-provider=icu", "--icu-locale=en-US"});
    Start();
    Sql("CREATE ROLE narralytica LOGIN");
  }

  // A number for the names of sockets, and a port where a test asks for one.
  static int FreePort() {
    const FileDescriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof(address);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(probe.get(), any, bytes), 0);
    EXPECT_EQ(getsockname(probe.get(), any, &bytes), 0);
    return ntohs(address.sin_port);
  }

  // The socket's file is there a moment before anybody listens.
  bool Listens(int port) const {
    const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = fmt::format("{}/.s.PGSQL.{}", folder(), port);
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }

  void StartBouncer() {
    if (!std::filesystem::exists(kBouncer)) {
      Give("these tests start a PgBouncer: apt-get install pgbouncer, or tools/setup.sh test");
    }
    const std::string settings = folder() + "/pgbouncer.ini";
    EXPECT_TRUE(WriteFileAtomically(
        settings, fmt::format("[databases]\n* = host={0} port={1} user=narralytica\n"
                              "[pgbouncer]\nlisten_addr =\nlisten_port = {2}\n"
                              "unix_socket_dir = {0}\nauth_type = any\npool_mode = transaction\n"
                              "default_pool_size = 3\nmax_client_conn = 100\n",
                              folder(), port_, port_ + 1)));
    chmod(settings.c_str(), 0644);
    bouncer_.emplace(SpawnLogged(kBouncer, {settings}));
    WaitUntil("PgBouncer", *bouncer_, [this] { return Listens(port_ + 1); });
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

  template <typename Ready>
  void WaitUntil(const char* what, ChildProcess& server, Ready ready) const {
    const Deadline deadline = Deadline::In(kStartMax);
    while (!ready()) {
      if (deadline.expired() || server.Poll()) {
        Give(fmt::format("{} does not start:\n{}", what,
                         ReadFile(folder() + "/log", 1 << 20).value_or("")));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  ChildProcess SpawnLogged(const std::string& path, std::vector<std::string> arguments) const {
    const std::string log = folder() + "/log";
    const FileDescriptor file(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ChildOptions options = Command(path, std::move(arguments));
    options.fds = {{file.get(), 1}, {file.get(), 2}};
    return std::move(*ChildProcess::Spawn(options));
  }

  ChildOptions Command(const std::string& path, std::vector<std::string> arguments) const {
    ChildOptions options;
    options.program = "/usr/bin/setpriv";
    if (getuid() == 0) {
      options.arguments = {"--reuid=postgres", "--regid=postgres", "--clear-groups"};
    }
    options.arguments.insert(options.arguments.end(), {"--pdeathsig=QUIT", "--", path});
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    return options;
  }
  void Require(const std::string& program, std::vector<std::string> arguments) const {
    auto child = ChildProcess::Spawn(Command(programs_ + "/" + program, std::move(arguments)));
    if (!child) Give(program + ": " + child.error().message + " " + child.error().cause);
    const auto exit = child->Wait(Deadline::In(kStartMax));
    if (!exit || !exit->ok()) Give(program + " failed");
  }

  TemporaryFolder folder_;
  std::string programs_;
  int port_ = 0;
  std::optional<ChildProcess> server_;
  std::optional<ChildProcess> bouncer_;
};

}  // namespace narralytica::platform
