#include "source/dialer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace narralytica::source {
namespace {

using platform::HttpHead;
using platform::HttpReply;

// From 1024 on, of https://fetch.spec.whatwg.org/#port-blocking: protocols of mail, chat, printers,
// files and telephones that a request could speak to.
constexpr std::array kBadPorts{1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000,
                               6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};

Error Unsafe(std::string message, std::string hint) {
  return {ErrorCode::kInvalid, std::move(message), std::move(hint), {}, "unsafe_url"};
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<std::pair<int, int>> ParsePorts(const std::string& text) {
  const size_t dash = std::min(text.find('-'), text.size());
  int first = 0;
  const char* end = text.data() + text.size();
  const auto head = std::from_chars(text.data(), text.data() + dash, first);
  if (head.ec != std::errc{} || head.ptr != text.data() + dash) return std::nullopt;
  int last = first;
  if (dash < text.size()) {
    const auto tail = std::from_chars(text.data() + dash + 1, end, last);
    if (tail.ec != std::errc{} || tail.ptr != end) return std::nullopt;
  }
  if (first < 1 || last > 65'535 || first > last) return std::nullopt;
  return std::pair{first, last};
}

Status CheckStatus(int status) {
  if ((status >= 200 && status < 300) || status == 304 || status == 416) return {};
  const auto fail = [&](ErrorCode code, std::string hint, std::string reason) {
    return Fail(Error{code,
                      fmt::format("the server answered with status {}", status),
                      std::move(hint),
                      {},
                      std::move(reason)});
  };
  if (status == 404 || status == 410) {
    return fail(ErrorCode::kNotFound, "check the address: nothing is there", "url_not_found");
  }
  if (status == 401 || status == 402 || status == 403 || status == 451) {
    return fail(ErrorCode::kDenied, "give an address that needs no sign-in", "url_denied");
  }
  if (status == 408 || status == 425 || status == 429 || status >= 500) {
    return fail(ErrorCode::kUnavailable, "it is tried again later", "url_unavailable");
  }
  return fail(ErrorCode::kInvalid, "check the address in a browser", "url_rejected");
}

// One hop's answer: a redirect's target, or nothing when the reply is the last.
struct Hop {
  std::optional<std::string> location;
  bool redirected = false;
};

// Ends a hop whose body nobody wants.
Error EnoughOfThis() { return {ErrorCode::kCanceled, "the body is not wanted", {}, {}, "enough"}; }

}  // namespace

void FetchConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("fetch.allow_private", &allow_private,
               "networks that may be fetched from beside the public ones: 10.1.0.0/16");
  binder.Field("fetch.ports", &ports, "ports that may be fetched from");
  binder.Field("fetch.redirects_max", &redirects_max, {0, 20}, "redirects followed");
  binder.Field("fetch.resumes_max", &resumes_max, {0, 1'000},
               "how often one attempt goes on with a download that broke off");
  binder.Field("fetch.connect_timeout_ms", &connect_timeout_ms, {100, 300'000},
               "how long a connection may take");
  binder.Field("fetch.idle_timeout_ms", &idle_timeout_ms, {1'000, 600'000},
               "how long a server may be silent or too slow");
  binder.Field("fetch.duration_ms_max", &duration_ms_max, {1'000, 7 * 86'400'000LL},
               "how long one attempt at a recording may take");
  binder.Field("fetch.bytes_per_s_min", &bytes_per_s_min, {1, 1'000'000'000},
               "slower than this for fetch.idle_timeout_ms is given up");
  binder.Field("fetch.bytes_per_s_max", &bytes_per_s_max, {0, 100'000'000'000},
               "rate of one download; 0: as fast as it comes");
}

std::vector<std::string> FetchConfig::Validate() const {
  std::vector<std::string> problems;
  for (const std::string& range : allow_private) {
    if (!AddressRange::Parse(range)) {
      problems.push_back(
          fmt::format("fetch.allow_private: '{}' is not a network such as 10.1.0.0/16", range));
    }
  }
  for (const std::string& range : ports) {
    if (!ParsePorts(range)) {
      problems.push_back(
          fmt::format("fetch.ports: '{}' is not a port or a range such as 8000-8999", range));
    }
  }
  return problems;
}

Result<Dialer> Dialer::Create(const FetchConfig& config) {
  if (const auto problems = config.Validate(); !problems.empty()) {
    return Fail(ErrorCode::kInvalid, problems.front());
  }
  Dialer dialer(config);
  for (const std::string& range : config.allow_private) {
    NRL_TRY(AddressRange parsed, AddressRange::Parse(range));
    dialer.allowed_.push_back(parsed);
  }
  for (const std::string& range : config.ports) dialer.ports_.push_back(*ParsePorts(range));
  return dialer;
}

Status Dialer::CheckPort(int port) const {
  const bool allowed = std::ranges::any_of(
      ports_, [&](const auto& range) { return port >= range.first && port <= range.second; });
  if (allowed && std::ranges::find(kBadPorts, port) == kBadPorts.end()) return {};
  return Fail(Unsafe(fmt::format("port {} is not one that is fetched from", port),
                     "an operator can allow ports with fetch.ports"));
}

Status Dialer::CheckPeer(const sockaddr& address) const {
  NRL_TRY(const IpAddress peer, IpAddress::Of(address));
  return CheckAddress(peer, allowed_);
}

Result<platform::Url> Dialer::CheckUrl(const std::string& url) const {
  auto parsed = platform::ParseUrl(url);
  if (!parsed) {
    return Fail(Unsafe("the address cannot be read as a URL", parsed.error().hint));
  }
  if (parsed->scheme != "http" && parsed->scheme != "https") {
    return Fail(Unsafe(fmt::format("{} is not fetched", parsed->scheme.substr(0, 40)),
                       "give an http or https address"));
  }
  if (parsed->has_user_info) {
    return Fail(
        Unsafe("the address has a user name or password in it", "give an address that needs none"));
  }
  NRL_CHECK(CheckPort(parsed->port));
  std::string host = parsed->host;
  if (host.ends_with('.')) host.pop_back();
  const std::string zoneless = host.substr(0, host.find('%'));
  if (const auto literal = IpAddress::Parse(zoneless)) {
    NRL_CHECK(CheckAddress(*literal, allowed_));
  } else if (host == "localhost" || host.ends_with(".localhost")) {
    // RFC 6761: resolves to the loopback everywhere.
    NRL_CHECK(CheckAddress(*IpAddress::Parse("127.0.0.1"), allowed_));
  }
  return parsed;
}

Result<FetchReply> Dialer::Fetch(const FetchRequest& request, const Deadline& deadline) const {
  platform::HttpClient client;
  std::string url = request.url;
  for (int redirects = 0; redirects <= config_.redirects_max; ++redirects) {
    NRL_TRY(const platform::Url here, CheckUrl(url));
    Hop hop;
    HttpHead head;
    platform::HttpRequest asked{.url = here.text, .headers = request.headers};
    asked.headers.emplace_back("User-Agent", "narralytica");
    asked.body_bytes_max = request.body_bytes_max;
    asked.connect_timeout = std::chrono::milliseconds(config_.connect_timeout_ms);
    asked.idle_timeout = std::chrono::milliseconds(config_.idle_timeout_ms);
    asked.bytes_per_s_min = config_.bytes_per_s_min;
    asked.bytes_per_s_max = config_.bytes_per_s_max;
    asked.allow_peer = [this](const sockaddr& peer) { return CheckPeer(peer); };
    asked.on_head = [&](const HttpHead& got) -> Status {
      head = got;
      hop.redirected = IsRedirect(got.status);
      if (!hop.redirected) {
        NRL_CHECK(CheckStatus(got.status));
        return request.on_head ? request.on_head(got) : Status{};
      }
      if (const auto location = got.Find("location")) hop.location = std::string(*location);
      return Fail(EnoughOfThis());
    };
    asked.on_body = request.on_body;
    auto reply = client.Send(asked, deadline);
    if (!reply && !hop.redirected) {
      Error error = reply.error();
      if (error.code == ErrorCode::kUnavailable && error.reason.empty()) {
        error.reason = "url_unreachable";
      }
      return Fail(std::move(error));
    }
    if (!hop.redirected) return FetchReply{here.text, std::move(head), std::move(reply->body)};
    if (!hop.location) break;
    NRL_TRY(url, platform::ResolveUrl(here.text, *hop.location));
    if (here.scheme == "https" && !url.starts_with("https:")) {
      return Fail(Unsafe("the server redirects from https to http", "give an https address"));
    }
  }
  return Fail(Error{
      ErrorCode::kInvalid,
      fmt::format("the server redirects more than {} times, or nowhere", config_.redirects_max),
      "give the address that it ends at",
      {},
      "url_redirects"});
}

}  // namespace narralytica::source
