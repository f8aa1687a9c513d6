// The dialer: every byte that comes from the network comes through it.
//
// Place in the flow: recordings, feeds and yt-dlp's connections are fetched here, on behalf of
// people who may name any URL; what they must not reach is everything that only this server can.
//
// It guarantees:
// - The address that a socket is about to connect to is judged (address_rules.hpp), after DNS and
//   for every attempt, so that neither a name that resolves to another address the second time nor
//   an odd spelling of an address gets through.
// - http and https only, no user names or passwords in URLs, ports from the configuration alone.
//   Ports: 80, 443 and from 1024 on, but for those above that browsers refuse too (the Fetch
//   Standard's bad ports). Podcasts are served from many high ports; below 1024 other protocols
//   listen that a request could speak to.
// - Redirects are followed here, a bounded number, each judged like a first URL; never from https
//   to http. No proxy, no cookies, no credentials, no cache.
// - Bounded size, time, rate and silence; certificates verified.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "platform/config.hpp"
#include "platform/http/http_client.hpp"
#include "platform/http/url.hpp"
#include "source/address_rules.hpp"

namespace narralytica::source {

struct FetchConfig {
  // Networks beside the public ones: "10.1.0.0/16". Empty by default.
  std::vector<std::string> allow_private;
  std::vector<std::string> ports{"80", "443", "1024-65535"};
  int redirects_max = 5;
  int resumes_max = 20;  // of one download, each after it got further
  int64_t connect_timeout_ms = 10'000;
  int64_t idle_timeout_ms = 30'000;
  int64_t duration_ms_max = 6 * 3'600'000;  // of one attempt at a recording
  int64_t bytes_per_s_min = 1'024;          // over idle_timeout_ms
  int64_t bytes_per_s_max = 0;              // 0: as fast as it comes
  void Bind(platform::ConfigBinder& binder);
  std::vector<std::string> Validate() const;
};

struct FetchRequest {
  std::string url;
  platform::HttpHeaders headers;
  int64_t body_bytes_max = 16 << 20;
  // Of the last hop alone, with a status of 2xx, 304 or 416; others are errors.
  std::function<Status(const platform::HttpHead&)> on_head;
  // Without it the body is collected.
  std::function<Status(std::span<const uint8_t>)> on_body;
};

struct FetchReply {
  std::string url;  // of the last hop
  platform::HttpHead head;
  std::string body;
};

// Immutable, so thread-safe.
class Dialer {
 public:
  // kInvalid when the configuration is.
  static Result<Dialer> Create(const FetchConfig& config);

  // What can be said of a URL without asking anybody; kInvalid with reason "unsafe_url".
  Result<platform::Url> CheckUrl(const std::string& url) const;
  Status CheckPort(int port) const;
  // Of a socket that is about to be connected.
  Status CheckPeer(const sockaddr& address) const;

  // Closed list of reasons:
  //   unsafe_url        invalid      what this header refuses, at any hop
  //   url_redirects     invalid      more than redirects_max, or one without a target
  //   url_rejected      invalid      the server will not have the request (4xx)
  //   url_not_found     not_found    404 or 410
  //   url_denied        denied       401, 402, 403, 451
  //   url_unavailable   unavailable  408, 425, 429, 5xx
  //   url_unreachable   unavailable  no address, no connection, silence, broken off, bad
  //   certificate payload_too_large limited      longer than body_bytes_max
  // and the deadline's and the callbacks' own errors.
  Result<FetchReply> Fetch(const FetchRequest& request, const Deadline& deadline) const;

  const FetchConfig& config() const { return config_; }

 private:
  explicit Dialer(FetchConfig config) : config_(std::move(config)) {}
  const FetchConfig config_;
  std::vector<AddressRange> allowed_;
  std::vector<std::pair<int, int>> ports_;  // first and last
};

}  // namespace narralytica::source
