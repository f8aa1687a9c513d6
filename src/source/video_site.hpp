// Recordings on video sites, through yt-dlp (https://github.com/yt-dlp/yt-dlp), a program that is
// not part of Narralytica and runs what strangers' pages make it do.
//
// So it runs in a box: bubblewrap with namespaces of its own, a read-only system, one folder to
// write into, no view of the store, and a network of its own that has a loopback interface and
// nothing else. The one way out is a proxy (connect_proxy.hpp) whose Unix socket is put into the
// box, where `narralytica relay` listens on the loopback and carries bytes to it. So what yt-dlp
// reaches is what the dialer allows, whatever it is talked into. There is no fallback without the
// box.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/file.hpp"
#include "source/dialer.hpp"

namespace narralytica::source {

struct VideoSitesConfig {
  std::string program;  // "": yt-dlp on the PATH
  int64_t duration_ms_max = 6 * 3'600'000;
  int64_t cpu_seconds_max = 3'600;
  void Bind(platform::ConfigBinder& binder);
};

struct SiteRequest {
  std::string url;     // judged by the dialer
  std::string folder;  // there, and nothing else in it but what an earlier attempt left
  int64_t bytes_max = 0;
  std::function<void(int64_t done, std::optional<int64_t> total)> on_progress;
};

struct SiteRecording {
  // Open for reading; a regular file whatever its name has become meanwhile.
  platform::FileDescriptor file;
  int64_t bytes = 0;
  std::string title;  // not to be trusted; may be empty
  std::optional<UtcMs> published_at;
};

class VideoSites {
 public:
  // `relay_program` is this program, in the box.
  VideoSites(VideoSitesConfig config, std::string relay_program)
      : config_(std::move(config)), relay_program_(std::move(relay_program)) {}

  // kUnavailable with reason "site_unavailable" when yt-dlp or bubblewrap is not installed.
  Status CheckInstalled() const;

  // kUnavailable "site_unavailable" when the network, the site or the box fails; kInvalid
  // "site_refused" for what yt-dlp cannot get, "unsafe_url" when the site led to an address that is
  // not fetched from; kLimited "media_too_large"; kCanceled.
  Result<SiteRecording> Fetch(const Dialer& dialer, const SiteRequest& request,
                              const Deadline& deadline) const;

 private:
  const VideoSitesConfig config_;
  const std::string relay_program_;
};

// `narralytica relay`: listens on a free port of the loopback interface, carries what connects to
// the Unix socket, and runs `command` with {proxy} in its arguments replaced by the proxy's URL.
// The exit status is the command's.
int RunRelay(const std::string& socket, std::vector<std::string> command);

}  // namespace narralytica::source
