#include "source/video_site.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "platform/process/child_process.hpp"
#include "source/connect_proxy.hpp"

namespace narralytica::source {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBubblewrap = "/usr/bin/bwrap";
constexpr const char* kOut = "/out";
constexpr const char* kSocket = "/proxy.sock";
constexpr const char* kMediaName = "media";
constexpr int64_t kInfoBytesMax = 32 << 20;
constexpr size_t kSaidBytesMax = 16 << 10;
constexpr int kLookMs = 200;
constexpr std::chrono::hours kRelayedMax{24};

Error SiteUnavailable(std::string message, std::string hint, std::string cause = {}) {
  return {ErrorCode::kUnavailable, std::move(message), std::move(hint), std::move(cause),
          "site_unavailable"};
}

// "" when there is none.
std::string FindProgram(const std::string& configured) {
  if (!configured.empty()) return access(configured.c_str(), X_OK) == 0 ? configured : "";
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const std::string program = std::string(rest.substr(0, end)) + "/yt-dlp";
    if (program.starts_with('/') && access(program.c_str(), X_OK) == 0) return program;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

// What the program needs to run: itself, and of a virtual environment its libraries.
std::vector<std::string> PathsOf(const std::string& program) {
  std::vector<std::string> paths;
  std::error_code error;
  const fs::path real = fs::canonical(program, error);
  for (const fs::path& one : {fs::path(program), error ? fs::path(program) : real}) {
    const fs::path environment = one.parent_path().parent_path();
    paths.push_back(one.string());
    if (!fs::exists(environment / "pyvenv.cfg")) continue;
    paths.push_back(one.parent_path().string());
    paths.push_back((environment / "lib").string());
    paths.push_back((environment / "pyvenv.cfg").string());
    // The interpreter that the environment was made with.
    const fs::path python = fs::canonical(one.parent_path() / "python3", error);
    if (!error) paths.push_back(python.parent_path().parent_path().string());
  }
  std::erase_if(paths, [](const std::string& path) { return path.starts_with("/usr"); });
  return paths;
}

std::vector<std::string> BoxArguments(const std::string& program, const std::string& relay,
                                      const SiteRequest& request, const std::string& socket) {
  std::vector<std::string> box{"--unshare-all", "--die-with-parent",
                               "--new-session", "--cap-drop",
                               "ALL",           "--ro-bind",
                               "/usr",          "/usr",
                               "--proc",        "/proc",
                               "--dev",         "/dev",
                               "--tmpfs",       "/tmp"};
  const auto add = [&](std::initializer_list<std::string> more) {
    box.insert(box.end(), more.begin(), more.end());
  };
  for (const std::string name : {"lib", "lib64", "bin"}) {
    if (fs::exists("/" + name)) add({"--symlink", "usr/" + name, "/" + name});
  }
  for (const std::string path : {"/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl"}) {
    add({"--ro-bind-try", path, path});
  }
  for (const std::string& path : PathsOf(program)) add({"--ro-bind-try", path, path});
  if (!relay.starts_with("/usr/")) add({"--ro-bind", relay, relay});
  add({"--bind", request.folder, kOut, "--ro-bind", socket, kSocket, "--chdir", kOut});
  add({"--setenv", "HOME", "/tmp", "--setenv", "PYTHONDONTWRITEBYTECODE", "1", "--"});
  add({relay, "relay", "--socket", kSocket, "--", program});
  return box;
}

std::vector<std::string> SiteArguments(const SiteRequest& request) {
  return {"--ignore-config",
          "--no-playlist",
          "--no-cache-dir",
          "--no-mtime",
          "--newline",
          "--no-color",
          "--proxy",
          "{proxy}",
          "--socket-timeout",
          "30",
          "--retries",
          "3",
          "--downloader",
          "native",
          "--max-filesize",
          std::to_string(request.bytes_max),
          "--format",
          "best/bestaudio",
          "--write-info-json",
          "--progress",
          "--progress-template",
          "download:NRL %(progress.downloaded_bytes)s %(progress.total_bytes)s",
          "--output",
          std::string(kMediaName) + ".%(ext)s",
          "--",
          request.url};
}

// What the program says: lines of progress, and its last complaint.
class Listener {
 public:
  explicit Listener(const SiteRequest& request) : request_(request) {}

  // Until the program has closed its end.
  Status Listen(int fd, const Deadline& deadline) {
    while (true) {
      NRL_CHECK(deadline.Check("fetching from the site"));
      pollfd waiting{fd, POLLIN, 0};
      if (poll(&waiting, 1, kLookMs) <= 0) continue;
      std::array<char, 4'096> buffer;
      const ssize_t got = read(fd, buffer.data(), buffer.size());
      if (got <= 0) return {};
      text_.append(buffer.data(), static_cast<size_t>(got));
      for (size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
        Take(text_.substr(0, end));
        text_.erase(0, end + 1);
      }
      if (text_.size() > kSaidBytesMax) text_.clear();
    }
  }
  const std::string& complaint() const { return complaint_; }

 private:
  void Take(const std::string& line) {
    constexpr std::string_view kError = "ERROR: ";
    if (line.starts_with(kError)) complaint_ = line.substr(kError.size(), 500);
    if (!line.starts_with("NRL ") || !request_.on_progress) return;
    const char* end = line.data() + line.size();
    int64_t done = 0;
    int64_t total = 0;
    const auto first = std::from_chars(line.data() + 4, end, done);
    if (first.ec != std::errc{}) return;
    const bool known = first.ptr < end &&
                       std::from_chars(first.ptr + 1, end, total).ec == std::errc{} && total > 0;
    request_.on_progress(done, known ? std::optional(total) : std::nullopt);
  }

  const SiteRequest& request_;
  std::string text_, complaint_;
};

std::string Printable(std::string text) {
  std::erase_if(text, [](unsigned char c) { return c < ' ' || c > '~'; });
  return text;
}

Error FailureOf(const platform::ChildExit& exit, const std::string& complaint, bool refused) {
  const bool network = complaint.contains("HTTP Error 5") || complaint.contains("HTTP Error 429") ||
                       complaint.contains("timed out") || complaint.contains("Unable to connect") ||
                       complaint.contains("502 Bad Gateway") || complaint.contains("Connection");
  const std::string said = Printable(complaint.empty() ? exit.Describe() : complaint);
  if (refused) {
    return {ErrorCode::kInvalid, "the site leads to an address that is not fetched from",
            "give a public address", said, "unsafe_url"};
  }
  if (network || complaint.empty()) {
    return SiteUnavailable("the site cannot be fetched from now: " + said, "it is tried again");
  }
  return {ErrorCode::kInvalid,
          "yt-dlp cannot get it: " + said,
          "check the address in a browser, and that yt-dlp is current",
          {},
          "site_refused"};
}

// The program could have put anything into the folder: links and pipes are not followed.
Result<platform::FileDescriptor> OpenRegular(const std::string& path, int64_t* bytes) {
  platform::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kInvalid, "not a file");
  }
  *bytes = status.st_size;
  return file;
}

void ReadInfo(const std::string& folder, SiteRecording& recording) {
  int64_t bytes = 0;
  const std::string path = folder + "/" + kMediaName + ".info.json";
  const auto file = OpenRegular(path, &bytes);
  if (!file || bytes > kInfoBytesMax) return;
  std::string text(static_cast<size_t>(bytes), '\0');
  if (pread(file->get(), text.data(), text.size(), 0) != bytes) return;
  const auto info = nlohmann::json::parse(text, nullptr, false);
  if (!info.is_object()) return;
  if (info.contains("title") && info["title"].is_string()) recording.title = info["title"];
  const auto timestamp = info.find("timestamp");
  if (timestamp != info.end() && timestamp->is_number()) {
    recording.published_at = UtcMs{timestamp->get<int64_t>() * 1'000};
  } else if (info.contains("upload_date") && info["upload_date"].is_string()) {
    const std::string day = info["upload_date"];
    if (day.size() != 8) return;
    const auto parsed =
        ParseRfc3339(day.substr(0, 4) + "-" + day.substr(4, 2) + "-" + day.substr(6));
    if (parsed) recording.published_at = *parsed;
  }
}

Result<SiteRecording> Found(const SiteRequest& request) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(request.folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool media = name.starts_with(std::string(kMediaName) + ".") &&
                       !name.ends_with(".json") && !name.ends_with(".part") &&
                       !name.ends_with(".ytdl");
    if (!media) continue;
    SiteRecording recording;
    auto file = OpenRegular(entry.path().string(), &recording.bytes);
    if (!file) continue;
    if (recording.bytes > request.bytes_max) break;
    recording.file = std::move(*file);
    ReadInfo(request.folder, recording);
    return recording;
  }
  return Fail(Error{ErrorCode::kLimited,
                    fmt::format("yt-dlp left no recording of at most {} bytes", request.bytes_max),
                    "raise media.file_bytes_max, or give another address",
                    {},
                    "media_too_large"});
}

}  // namespace

void VideoSitesConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("sites.program", &program, "yt-dlp; empty: the one on the PATH, if any");
  binder.Field("sites.duration_ms_max", &duration_ms_max, {1'000, 7 * 86'400'000LL},
               "how long fetching from a video site may take");
  binder.Field("sites.cpu_seconds_max", &cpu_seconds_max, {1, 1'000'000},
               "processor time of yt-dlp");
}

Status VideoSites::CheckInstalled() const {
  if (FindProgram(config_.program).empty()) {
    return Fail(SiteUnavailable("yt-dlp, which fetches from video sites, is not installed here",
                                "install yt-dlp or set sites.program; or upload the recording"));
  }
  if (access(kBubblewrap, X_OK) == 0) return {};
  return Fail(SiteUnavailable("bubblewrap, in which yt-dlp runs, is not installed here",
                              "install bubblewrap; or upload the recording"));
}

Result<SiteRecording> VideoSites::Fetch(const Dialer& dialer, const SiteRequest& request,
                                        const Deadline& deadline) const {
  NRL_CHECK(CheckInstalled());
  NRL_TRY(const auto run, platform::TemporaryFolder::Create(fs::temp_directory_path().string(),
                                                            "narralytica-proxy"));
  const std::string socket = run.path() + "/proxy.sock";
  RelayLimits limits;
  limits.bytes_max = request.bytes_max * 2;
  limits.idle_timeout = std::chrono::milliseconds(dialer.config().idle_timeout_ms);
  NRL_TRY(const auto proxy, ConnectProxy::Start(dialer, socket, limits));
  NRL_TRY(platform::Pipe said, platform::Pipe::Create());
  platform::ChildOptions options;
  options.program = kBubblewrap;
  options.arguments = BoxArguments(FindProgram(config_.program), relay_program_, request, socket);
  const auto site = SiteArguments(request);
  options.arguments.insert(options.arguments.end(), site.begin(), site.end());
  options.environment_kept = {"LANG", "LC_ALL"};
  options.environment_added = {"PATH=/usr/bin:/bin"};
  options.fds = {{said.write_end.get(), 1}, {said.write_end.get(), 2}};
  options.limits.cpu_seconds = static_cast<uint64_t>(config_.cpu_seconds_max);
  options.limits.file_bytes = static_cast<uint64_t>(request.bytes_max);
  NRL_TRY(auto child, platform::ChildProcess::Spawn(options));
  said.write_end.Close();
  Listener listener(request);
  NRL_CHECK(listener.Listen(said.read_end.get(), deadline));  // the child ends with its object
  NRL_TRY(const platform::ChildExit exit, child.Wait(deadline));
  if (!exit.ok()) return Fail(FailureOf(exit, listener.complaint(), proxy->refused()));
  return Found(request);
}

int RunRelay(const std::string& socket, std::vector<std::string> command) {
  int port = 0;
  auto listener = ListenLoopback(&port);
  if (!listener || command.empty()) return 70;
  const ConnectionServer server(
      std::move(*listener), [&socket](platform::FileDescriptor peer, const std::stop_token& stop) {
        const auto upstream = ConnectUnix(socket);
        if (upstream) RelayBytes(peer.get(), upstream->get(), {}, stop);
      });
  platform::ChildOptions options;
  options.program = command.front();
  for (size_t i = 1; i < command.size(); ++i) {
    options.arguments.push_back(command[i] == "{proxy}" ? fmt::format("http://127.0.0.1:{}", port)
                                                        : command[i]);
  }
  options.environment_kept = {"PATH", "LANG", "LC_ALL", "HOME", "PYTHONDONTWRITEBYTECODE"};
  options.fds = {{STDOUT_FILENO, 1}};
  options.working_directory = kOut;
  auto child = platform::ChildProcess::Spawn(options);
  if (!child) return 70;
  const auto exit = child->Wait(Deadline::In(kRelayedMax));
  if (!exit) return 70;
  return exit->signaled ? 128 + exit->status : exit->status;
}

}  // namespace narralytica::source
