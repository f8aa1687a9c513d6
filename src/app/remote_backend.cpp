#include "app/remote_backend.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/partial_file.hpp"
#include "app/remote_upload.hpp"
#include "base/id.hpp"

namespace narralytica::app {
namespace {

using platform::HttpReply;
using platform::HttpRequest;

constexpr std::chrono::milliseconds kPoll{1'000};
constexpr int64_t kArtifactBytesMax = int64_t{1} << 50;

Json OrNull(const std::optional<UtcMs>& time) { return time ? Json(FormatRfc3339(*time)) : Json(); }

// Leaves out what was not asked for.
void Put(Json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}
void Put(Json& object, const char* name, const std::optional<UtcMs>& time) {
  if (time) object[name] = OrNull(time);
}

class RemoteBackend final : public Backend {
 public:
  explicit RemoteBackend(RemoteClient client) : client_(std::move(client)) {}

  Status CheckIntake() override {
    NRL_TRY(const Json session, client_.Get("/api/v1/session"));
    const Json permissions = session.value("permissions", Json::array());
    for (const char* needed : {"write:uploads", "write:videos"}) {
      if (std::ranges::find(permissions, needed) == permissions.end()) {
        return Fail(ErrorCode::kDenied, fmt::format("this key does not permit {}", needed),
                    "use a key of the role editor or above");
      }
    }
    return {};
  }

  Result<Json> Ingest(const media::IntakeRequest& request,
                      const IntakeProgress& progress) override {
    if (!request.model.empty()) {
      return Fail(ErrorCode::kInvalid, "a server recognises with the model of its own settings",
                  "leave --model out, or set recognition.model where the server's worker runs");
    }
    client_.BePatient();
    Json source{{"kind", request.kind}};
    if (request.kind == "upload") {
      NRL_TRY(source["upload_ref"], UploadFile(client_, request.path, progress));
    } else {
      source["url"] = request.locator;
    }
    Json body{{"source", std::move(source)}};
    Put(body, "external_id", request.external_id);
    Put(body, "title", request.title);
    Put(body, "language", request.language);
    Put(body, "published_at", request.published_at);
    if (request.speakers_min) body["speakers_min"] = *request.speakers_min;
    if (request.speakers_max) body["speakers_max"] = *request.speakers_max;
    return client_.Post("/api/v1/ingest", body, NewUuid(client_.environment()));
  }

  Status KeepWorking() override { return {}; }

  std::string WhoWorks() const override { return "the server processes them"; }

  std::chrono::milliseconds poll_every() const override { return kPoll; }

  Result<Json> Video(const VideoId& video) override {
    return client_.Get("/api/v1/videos/" + video.str());
  }

  Result<Json> Search(const search::SearchRequest& request) override {
    Json filters = Json::object();
    Put(filters, "language", request.filter.language);
    Put(filters, "source", request.filter.source);
    if (request.filter.video_id) filters["video_id"] = request.filter.video_id->str();
    if (request.filter.speaker_id) filters["speaker_id"] = request.filter.speaker_id->str();
    Put(filters, "date_from", request.filter.published_from);
    Put(filters, "date_to", request.filter.published_until);
    Json body{{"query", request.query},
              {"mode", search::ToString(request.mode)},
              {"limit", request.limit},
              {"offset", request.offset},
              {"filters", std::move(filters)}};
    Put(body, "cursor", request.cursor);
    return client_.Ask("/api/v1/search", body);
  }

  Result<std::string> Transcript(const VideoId& video, const std::string& format) override {
    if (format != "json") return Captions(video, format);
    NRL_TRY(const Json found, Video(video));
    const Json id = found.value("transcript_id", Json());
    // Asked for its text, the server says why there is none.
    if (!id.is_string()) return Captions(video, "txt");
    NRL_TRY(const Json transcript, client_.Get("/api/v1/transcripts/" + id.get<std::string>()));
    return transcript.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }

  Result<Json> Speakers(const VideoId& video) override {
    return client_.Get("/api/v1/videos/" + video.str() + "/speakers");
  }

  Result<std::string> SpeakersRttm(const VideoId& video) override {
    return Text("/api/v1/videos/" + video.str() + "/speakers?format=rttm");
  }

  Status SaveArtifact(const VideoId& video, const std::string& kind,
                      const std::string& path) override {
    const bool is_media = kind == "audio" || kind == "playback";
    NRL_TRY(PartialFile file, PartialFile::Create(path));
    HttpRequest request{.url = "/api/v1/videos/" + video.str() + "/" +
                               (is_media ? "media?rendition=" + kind : kind)};
    request.body_bytes_max = kArtifactBytesMax;
    request.on_body = [&](std::span<const uint8_t> bytes) { return file.Write(bytes); };
    NRL_CHECK(client_.Send(std::move(request), false));
    return file.Commit();
  }

  Result<Json> Jobs(const jobs::JobFilter& filter, int limit) override {
    return client_.List("/api/v1/jobs",
                        {{"status", fmt::format("{}", fmt::join(filter.statuses, ","))},
                         {"type", filter.type},
                         {"video_id", filter.video ? filter.video->str() : ""}},
                        limit);
  }

  Result<Json> Job(const JobId& job) override { return client_.Get("/api/v1/jobs/" + job.str()); }

  Result<Json> ChangeJob(const JobId& job, const std::string& action) override {
    return client_.Post("/api/v1/jobs/" + job.str() + "/" + action, Json(), "");
  }

  Result<Json> Redrive(const jobs::DeadLetterFilter& filter, int limit) override {
    Json body{{"limit", limit}};
    Put(body, "code", filter.code);
    Put(body, "type", filter.type);
    return client_.Post("/api/v1/dead-letters/redrive", body, "");
  }

  Result<Json> Keys(int limit) override { return client_.List("/api/v1/keys", {}, limit); }

  Result<Json> CreateKey(const access::NewKey& wanted) override {
    Json body{{"name", wanted.name}, {"role", wanted.role}};
    if (!wanted.scopes.empty()) body["scopes"] = wanted.scopes;
    Put(body, "expires_at", wanted.expires_at);
    return client_.Post("/api/v1/keys", body, NewUuid(client_.environment()));
  }

  Status RevokeKey(const KeyId& key) override {
    return client_.Delete("/api/v1/keys/" + key.str());
  }

  Result<Json> Feeds(int limit) override { return client_.List("/api/v1/sources", {}, limit); }

  Result<Json> AddFeed(const source::Feed& wanted) override {
    const Json body{{"kind", wanted.kind},
                    {wanted.kind == "folder" ? "path" : "url", wanted.locator},
                    {"poll_interval_s", wanted.poll_interval_s}};
    return client_.Post("/api/v1/sources", body, "");
  }

  Status RemoveFeed(const FeedId& feed) override {
    return client_.Delete("/api/v1/sources/" + feed.str());
  }

  Result<Json> PollFeed(const FeedId& feed) override {
    return client_.Post("/api/v1/sources/" + feed.str() + "/poll", Json(), "");
  }

 private:
  Result<std::string> Captions(const VideoId& video, const std::string& format) {
    return Text("/api/v1/videos/" + video.str() + "/captions?format=" + format);
  }

  Result<std::string> Text(const std::string& path) {
    HttpRequest request{.url = path};
    NRL_TRY(HttpReply reply, client_.Send(std::move(request), true));
    return std::move(reply.body);
  }

  RemoteClient client_;
};

}  // namespace

std::unique_ptr<Backend> MakeRemoteBackend(RemoteClient client) {
  return std::make_unique<RemoteBackend>(std::move(client));
}

}  // namespace narralytica::app
