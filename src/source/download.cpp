#include "source/download.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "platform/file.hpp"

namespace narralytica::source {
namespace {

using platform::HttpHead;

constexpr const char* kWhat = "the folder of downloads";
constexpr int64_t kStateBytesMax = 64 << 10;
constexpr size_t kSniffedBytes = 64;
constexpr size_t kFileNameBytesMax = 255;

// What PATH.state says.
struct State {
  std::string url;
  std::string validator;  // for If-Range; "" when the rest cannot be asked for
  std::optional<int64_t> total;
  std::string content_type;
  std::string file_name;
};

std::string StatePath(const std::string& path) { return path + ".state"; }

std::optional<State> LoadState(const std::string& path) {
  const auto text = platform::ReadFile(StatePath(path), kStateBytesMax);
  if (!text) return std::nullopt;
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  State state;
  state.url = json.value("url", "");
  state.validator = json.value("validator", "");
  if (json.contains("total")) state.total = json.value("total", int64_t{0});
  state.content_type = json.value("content_type", "");
  state.file_name = json.value("file_name", "");
  return state;
}

Status SaveState(const std::string& path, const State& state) {
  nlohmann::json json{{"url", state.url},
                      {"validator", state.validator},
                      {"content_type", state.content_type},
                      {"file_name", state.file_name}};
  if (state.total) json["total"] = *state.total;
  return platform::WriteFileAtomically(
      StatePath(path), json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

struct ContentRange {
  int64_t first = 0;
  std::optional<int64_t> total;
};

// "bytes 7-99/100", "bytes 7-99/*".
std::optional<ContentRange> ParseContentRange(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return std::nullopt;
  }
  const auto first = Number(text.substr(0, dash));
  if (!first) return std::nullopt;
  return ContentRange{*first, Number(text.substr(slash + 1))};
}

std::string ValidatorOf(const HttpHead& head) {
  const auto etag = head.Find("etag");
  if (etag && !etag->starts_with("W/")) return std::string(*etag);
  return std::string(head.Find("last-modified").value_or(""));
}

std::string ContentTypeOf(const HttpHead& head) {
  std::string type(head.Find("content-type").value_or(""));
  type.resize(std::min(type.find(';'), type.size()));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type;
}

std::string BaseName(const std::string& name) {
  std::string base = name.substr(std::min(name.find_last_of("/\\") + 1, name.size()));
  base.resize(std::min(base.size(), kFileNameBytesMax));
  return base == "." || base == ".." ? std::string() : base;
}

std::string FileNameOf(const std::string& url) {
  const auto parsed = platform::ParseUrl(url);
  return parsed ? BaseName(platform::DecodeUrlPart(parsed->path)) : std::string();
}

Error NotMedia(std::string_view what) {
  return {ErrorCode::kInvalid,
          fmt::format("there is {} at the address, not a recording", what),
          "give the address of the recording itself; a podcast's feed is followed as a source",
          {},
          "url_not_media"};
}

Status CheckContentType(const std::string& type) {
  if (type == "text/html" || type == "application/xhtml+xml") return Fail(NotMedia("a web page"));
  const bool text = type.starts_with("text/") || type == "application/json" ||
                    type.ends_with("/xml") || type.ends_with("+xml") || type == "application/pdf";
  if (text) return Fail(NotMedia(type.substr(0, 60)));
  return {};
}

bool LooksLikeHtml(std::string_view head) {
  std::string lower(head);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const size_t first = lower.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return false;
  const std::string_view text = std::string_view(lower).substr(first);
  return text.starts_with("<!doctype html") || text.starts_with("<html");
}

Error TooLarge(int64_t bytes_max) {
  return {ErrorCode::kLimited,
          fmt::format("the recording has more than {} bytes", bytes_max),
          "raise media.file_bytes_max, or cut the recording",
          {},
          "media_too_large"};
}

class Attempt {
 public:
  Attempt(const Dialer& dialer, const DownloadRequest& request)
      : dialer_(dialer), request_(request) {}

  Status Open() {
    file_ = platform::FileDescriptor(
        open(request_.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    struct stat status{};
    if (!file_.valid() || fstat(file_.get(), &status) != 0) {
      return Fail(platform::ErrnoError(kWhat, errno));
    }
    done_ = status.st_size;
    const auto state = LoadState(request_.path);
    if (!state || state->url != request_.url || done_ > request_.bytes_max) return Restart();
    state_ = *state;
    return {};
  }

  // One request; how far it got is done().
  Status Try(const Deadline& deadline) {
    if (IsWhole()) return {};
    if (state_.validator.empty()) NRL_CHECK(Restart());
    FetchRequest fetch{.url = request_.url, .headers = {}};
    if (done_ > 0) {
      fetch.headers.emplace_back("Range", fmt::format("bytes={}-", done_));
      fetch.headers.emplace_back("If-Range", state_.validator);
    }
    fetch.body_bytes_max = request_.bytes_max;
    fetch.on_head = [this](const HttpHead& head) { return OnHead(head); };
    fetch.on_body = [this](std::span<const uint8_t> bytes) { return OnBody(bytes); };
    const auto reply = dialer_.Fetch(fetch, deadline);
    (void)fdatasync(file_.get());
    if (!reply) {
      if (reply.error().reason == "payload_too_large") return Fail(TooLarge(request_.bytes_max));
      return Fail(reply);
    }
    if (state_.file_name.empty()) state_.file_name = FileNameOf(reply->url);
    state_.total = done_;
    return SaveState(request_.path, state_);
  }

  Result<Downloaded> Finish(int resumes) const {
    if (done_ == 0) {
      return Fail(Error{ErrorCode::kInvalid,
                        "the server sent nothing",
                        "check the address in a browser",
                        {},
                        "media_empty"});
    }
    std::string head(kSniffedBytes, '\0');
    head.resize(
        static_cast<size_t>(std::max<ssize_t>(0, pread(file_.get(), head.data(), head.size(), 0))));
    if (LooksLikeHtml(head)) return Fail(NotMedia("a web page"));
    return Downloaded{done_, state_.content_type, state_.file_name, resumes};
  }

  int64_t done() const { return done_; }

 private:
  bool IsWhole() const { return done_ > 0 && state_.total && done_ == *state_.total; }

  Status Restart() {
    state_ = State{.url = request_.url, .validator = {}, .total = {}};
    done_ = 0;
    if (ftruncate(file_.get(), 0) != 0) return Fail(platform::ErrnoError(kWhat, errno));
    return {};
  }

  Status OnHead(const HttpHead& head) {
    const auto range = ParseContentRange(head.Find("content-range").value_or(""));
    if (head.status == 206 && done_ > 0 && range && range->first == done_) {
      if (range->total && *range->total > request_.bytes_max) {
        return Fail(TooLarge(request_.bytes_max));
      }
      return {};
    }
    NRL_CHECK(Restart());
    if (head.status != 200) {
      // What was asked for is not what came; the next try asks for the whole.
      return Fail(Error{ErrorCode::kUnavailable,
                        fmt::format("the server answered with status {}", head.status),
                        "it is tried again later",
                        {},
                        "url_unavailable"});
    }
    state_.content_type = ContentTypeOf(head);
    NRL_CHECK(CheckContentType(state_.content_type));
    state_.validator = ValidatorOf(head);
    state_.total = Number(head.Find("content-length").value_or(""));
    if (state_.total && *state_.total > request_.bytes_max) {
      return Fail(TooLarge(request_.bytes_max));
    }
    state_.file_name = DispositionFileName(head.Find("content-disposition").value_or(""));
    return SaveState(request_.path, state_);
  }

  Status OnBody(std::span<const uint8_t> bytes) {
    if (std::cmp_greater(bytes.size(), request_.bytes_max - done_)) {
      return Fail(TooLarge(request_.bytes_max));
    }
    while (!bytes.empty()) {
      const ssize_t put = pwrite(file_.get(), bytes.data(), bytes.size(), done_);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return Fail(platform::ErrnoError(kWhat, errno));
      done_ += put;
      bytes = bytes.subspan(static_cast<size_t>(put));
    }
    if (request_.on_progress) request_.on_progress(done_, state_.total);
    return {};
  }

  const Dialer& dialer_;
  const DownloadRequest& request_;
  platform::FileDescriptor file_;
  State state_;
  int64_t done_ = 0;
};

}  // namespace

Result<Downloaded> Download(const Dialer& dialer, const DownloadRequest& request,
                            const Deadline& deadline) {
  Attempt attempt(dialer, request);
  NRL_CHECK(attempt.Open());
  int64_t furthest = attempt.done();
  for (int resumes = 0;; ++resumes) {
    const Status tried = attempt.Try(deadline);
    if (tried) return attempt.Finish(resumes);
    const bool further = attempt.done() > furthest;
    if (tried.error().code != ErrorCode::kUnavailable || !further || deadline.expired() ||
        resumes >= dialer.config().resumes_max) {
      return Fail(tried.error());
    }
    furthest = attempt.done();
  }
}

void ForgetDownload(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::filesystem::remove(StatePath(path), ignored);
}

std::string DispositionFileName(std::string_view header) {
  const auto value_of = [&](std::string_view parameter) -> std::string {
    std::string lower(header);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const size_t at = lower.find(std::string("; ") + std::string(parameter));
    const size_t tight = lower.find(";" + std::string(parameter));
    const size_t begin = at != std::string::npos      ? at + 2 + parameter.size()
                         : tight != std::string::npos ? tight + 1 + parameter.size()
                                                      : std::string::npos;
    if (begin == std::string::npos) return {};
    std::string_view rest = header.substr(begin);
    if (!rest.starts_with('"')) return std::string(rest.substr(0, rest.find(';')));
    std::string value;
    for (size_t i = 1; i < rest.size() && rest[i] != '"'; ++i) {
      if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
      value += rest[i];
    }
    return value;
  };
  constexpr std::string_view kUtf8 = "utf-8''";
  std::string extended = value_of("filename*=");
  std::string prefix = extended.substr(0, kUtf8.size());
  std::ranges::transform(prefix, prefix.begin(), [](unsigned char c) { return std::tolower(c); });
  if (prefix == kUtf8) return BaseName(platform::DecodeUrlPart(extended.substr(kUtf8.size())));
  return BaseName(value_of("filename="));
}

}  // namespace narralytica::source
