#include "media/child.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string>

#include <nlohmann/json.hpp>
#include "base/environment.hpp"
#include "media/av.hpp"
#include "media/budget.hpp"
#include "media/media_error.hpp"
#include "media/operations.hpp"
#include "media/protocol.hpp"
#include "platform/process/confinement.hpp"

namespace narralytica::media {
namespace {

using nlohmann::json;

constexpr int64_t kProgressEveryMs = 200;

std::string ReadRequest() {
  std::string text;
  char buffer[4'096];
  while (std::cmp_less(text.size(), kRequestBytesMax)) {
    const ssize_t got = read(kRequestFd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

void WriteEvent(std::string line) {
  line += '\n';
  for (size_t done = 0; done < line.size();) {
    const ssize_t wrote = write(kEventsFd, line.data() + done, line.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) _exit(1);  // the parent is gone
    done += static_cast<size_t>(wrote);
  }
}

ProgressFn ThrottledProgress(const Clock& clock) {
  return [&clock, next_ms = int64_t{0}](double fraction) mutable {
    const int64_t now_ms = clock.BootMs();
    if (now_ms < next_ms) return;
    next_ms = now_ms + kProgressEveryMs;
    WriteEvent(ProgressEvent(fraction));
  };
}

template <typename Value>
Result<json> AsJson(const Result<Value>& value) {
  if (!value) return Fail(value);
  return ToJson(*value);
}

Result<json> Perform(const MediaRequest& request) {
  switch (request.op) {
    case MediaOp::kHello:
      return json{{"libav", av_version_info()}};
    case MediaOp::kProbe:
      return AsJson(ProbeMedia(kInputFd, request.limits));
    case MediaOp::kPrepare: {
      const PrepareFds fds{kInputFd, kFirstOutputFd, kFirstOutputFd + 1, kFirstOutputFd + 2};
      const Environment environment = SystemEnvironment();
      return AsJson(PrepareAudio(fds, request.limits, ThrottledProgress(environment.clock)));
    }
    case MediaOp::kPcm: {
      const PcmTask task{kInputFd, kFirstOutputFd, request.range, request.own_flac};
      NRL_TRY(const int64_t samples, DecodePcm(task, request.limits));
      return json{{"samples", samples}};
    }
    case MediaOp::kPoster:
      return AsJson(MakePoster(kInputFd, kFirstOutputFd, request.limits));
  }
  return Fail(ErrorCode::kInternal, "an operation without an implementation");
}

Result<json> ServeRequest() {
  try {
    NRL_TRY(const MediaRequest request, DecodeRequest(ReadRequest()));
    WatchBudget(request.limits);
    NRL_CHECK(platform::ConfineThisProcess({.unshare_network = request.unshare_network}));
    return Perform(request);
  } catch (const std::bad_alloc&) {
    return FailMedia(MediaReason::kResource, "out of memory");
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal, "the media process failed", {}, error.what());
  }
}

SelfUsage OwnUsage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {ProcessCpuMs(), static_cast<int64_t>(usage.ru_maxrss) * 1'024};
}

}  // namespace

int MediaChildMain() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  av_log_set_level(AV_LOG_QUIET);
  const Result<json> result = ServeRequest();
  WriteEvent(result ? ResultEvent(*result, OwnUsage()) : ErrorEvent(result.error()));
  _exit(0);
}

}  // namespace narralytica::media
