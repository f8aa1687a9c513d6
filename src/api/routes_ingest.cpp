// POST /api/v1/ingest: what is answered 201 is kept.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/wire.hpp"

namespace narralytica::api {
namespace {

constexpr size_t kTitleCharactersMax = 500;
constexpr size_t kMetadataMembersMax = 100;
constexpr size_t kMetadataBytesMax = 16 * 1'024;

struct Wanted {
  media::IntakeRequest intake;
  UploadId upload;  // empty for an address
  std::string url;
};

bool IsProvider(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-');
  });
}

bool IsLanguageOrAuto(std::string_view text) { return text == "auto" || IsLanguage(text); }

void ReadSource(Fields& source, Wanted& wanted) {
  if (!source.Has("kind")) source.Missing("kind");
  const std::string kind = source.Choice("kind", {"upload", "external_url", "youtube"});
  source.Text("provider", {.characters_max = 100,
                           .form = IsProvider,
                           .form_text = "have letters, digits, '.', '_' and '-' only"});
  if (kind == "upload") {
    if (!source.Has("upload_ref")) source.Missing("upload_ref");
    wanted.upload = source.MaybeId<UploadId>("upload_ref").value_or(UploadId());
  } else {
    wanted.intake.kind = kind;
    wanted.url = source.Text("url", HttpUrlRule());
  }
}

void ReadSpeakerCount(Fields& fields, media::IntakeRequest& intake) {
  const auto read = [&](std::string_view name) -> std::optional<int64_t> {
    const int64_t count = fields.Integer(name, {1, media::kSpeakersMax}, 0);
    return count == 0 ? std::nullopt : std::optional(count);
  };
  intake.speakers_min = read("speakers_min");
  intake.speakers_max = read("speakers_max");
  if (intake.speakers_min.value_or(1) > intake.speakers_max.value_or(media::kSpeakersMax)) {
    fields.Problem(InvalidField("speakers_min", "speakers_min is more than speakers_max",
                                "give the smaller number first"));
  }
}

Result<Wanted> ReadWanted(const Request& request) {
  NRL_TRY(Fields fields, Fields::OfBody(request));
  Wanted wanted;
  media::IntakeRequest& intake = wanted.intake;
  Fields source = fields.Object("source", true);
  ReadSource(source, wanted);
  intake.external_id = fields.Text(
      "external_id",
      {.characters_max = 255, .form = IsPrintableAscii, .form_text = "be printable ASCII"});
  intake.title =
      fields.Text("title", {.characters_max = kTitleCharactersMax, .blank_allowed = false});
  intake.language = fields.Text(
      "language", {.characters_max = 35, .form = IsLanguageOrAuto, .form_text = "be BCP 47"});
  intake.published_at = fields.Time("published_at");
  ReadSpeakerCount(fields, intake);
  const Json metadata = fields.FreeObject("metadata");
  if (metadata.size() > kMetadataMembersMax || metadata.dump().size() > kMetadataBytesMax) {
    fields.Problem(InvalidField("metadata", "metadata is too large",
                                "at most 100 members and 16 KiB of JSON"));
  }
  intake.metadata = nlohmann::json::parse(metadata.dump());
  NRL_CHECK(source.End());
  NRL_CHECK(fields.End());
  return wanted;
}

Json ReplyJson(const media::Accepted& accepted, jobs::JobStatus status, bool replay) {
  return {{"job_id", accepted.job.str()},     {"video_id", accepted.video.str()},
          {"status", jobs::ToString(status)}, {"payload_version", "2.0"},
          {"idempotent_replay", replay},      {"duplicate", accepted.duplicate}};
}

// The two ids of an answer, as the idempotency key keeps them.
std::string AnswerText(const media::Accepted& accepted) {
  return Json{{"video_id", accepted.video.str()},
              {"job_id", accepted.job.str()},
              {"duplicate", accepted.duplicate}}
      .dump();
}

media::Accepted FromAnswer(const std::string& text) {
  const Json answer = Json::parse(text);
  return {VideoId::FromTrusted(answer.at("video_id")), JobId::FromTrusted(answer.at("job_id")),
          answer.at("duplicate"), media::Known::kNo};
}

// One request to take a recording in.
class Ingest {
 public:
  Ingest(const Services& services, const Request& request, const Caller& caller)
      : services_(services), request_(request), caller_(caller) {}

  Result<Response> Run() {
    NRL_TRY(Wanted wanted, ReadWanted(request_));
    NRL_TRY(idempotent_, ReadIdempotent(request_, "ingest"));
    NRL_TRY(const auto earlier,
            ReadAs(services_, caller_, [&](access::Tx& tx) { return FindEarlier(tx, wanted); }));
    if (earlier) return Answer(*earlier);
    if (wanted.upload.empty()) return FromUrl(wanted);
    NRL_CHECK(Complete(wanted));
    const media::IntakeHooks hooks{{},
                                   [&](access::Tx& tx) { return FindEarlier(tx, wanted); },
                                   [&](access::Tx& tx, const media::Accepted& accepted) {
                                     return Note(tx, wanted, accepted);
                                   }};
    NRL_TRY(const media::Accepted accepted,
            services_.intake.AcceptFile(caller_.scope, wanted.intake, hooks));
    services_.uploads.RemoveFile(wanted.upload);
    return Answer(accepted);
  }

 private:
  // The job fetches it; what can be told of the address is told now.
  Result<Response> FromUrl(Wanted& wanted) {
    const auto url = services_.dialer.CheckUrl(wanted.url);
    if (!url) {
      Error error = url.error();
      error.reason += ":source.url";
      return Fail(std::move(error));
    }
    if (wanted.intake.kind == "youtube") {
      const Status able = services_.sites.CheckInstalled();
      // Not 503: here, the same request will never succeed.
      if (!able) return Fail(InvalidField("source.kind", able.error().message, able.error().hint));
    }
    wanted.intake.locator = url->text;
    const media::IntakeHooks hooks{{},
                                   [&](access::Tx& tx) { return FindEarlier(tx, wanted); },
                                   [&](access::Tx& tx, const media::Accepted& accepted) {
                                     return Note(tx, wanted, accepted);
                                   }};
    NRL_TRY(const media::Accepted accepted,
            services_.intake.AcceptUrl(caller_.scope, wanted.intake, hooks));
    return Answer(accepted);
  }

  // The answer that was given to this very request, or to an upload that is used up.
  Result<std::optional<media::Accepted>> FindEarlier(access::Tx& tx, const Wanted& wanted) {
    replay_ = false;
    if (!idempotent_.key.empty()) {
      NRL_TRY(const auto answer, access::FindReplay(tx, idempotent_));
      if (answer) {
        replay_ = true;
        return FromAnswer(*answer);
      }
    }
    if (wanted.upload.empty()) return std::nullopt;
    NRL_TRY(const auto upload, services_.uploads.Get(tx, wanted.upload));
    if (!upload.video) return std::nullopt;
    NRL_TRY(const auto jobs, services_.queue.OfVideo(tx, *upload.video));
    NRL_ASSERT(!jobs.empty());
    return media::Accepted{*upload.video, jobs.front().id, true, media::Known::kByContent};
  }

  // All bytes must be there; the upload's metadata names the file.
  Status Complete(Wanted& wanted) {
    NRL_TRY(const auto upload, ReadAs(services_, caller_, [&](access::Tx& tx) {
              return services_.uploads.Get(tx, wanted.upload);
            }));
    NRL_TRY(const int64_t offset, services_.uploads.OffsetOf(upload));
    if (offset != upload.bytes_total) {
      return Fail(
          ErrorCode::kConflict,
          fmt::format("{} of the upload's {} bytes have arrived", offset, upload.bytes_total),
          "send the rest, then try again");
    }
    NRL_TRY(auto metadata, source::ParseUploadMetadata(upload.metadata));
    wanted.intake.path = services_.uploads.PathOf(upload.id);
    const std::string& name = metadata["filename"];
    const std::string base = name.substr(std::min(name.find_last_of("/\\") + 1, name.size()));
    wanted.intake.locator = base.empty() || base == "." || base == ".." ? "upload" : base;
    return {};
  }

  Status Note(access::Tx& tx, const Wanted& wanted, const media::Accepted& accepted) {
    if (!wanted.upload.empty()) {
      NRL_CHECK(services_.uploads.NoteVideo(tx, wanted.upload, accepted.video));
    }
    if (idempotent_.key.empty()) return {};
    return access::RecordAnswer(tx, idempotent_, AnswerText(accepted),
                                services_.environment.clock.Now());
  }

  Result<Response> Answer(const media::Accepted& accepted) const {
    NRL_TRY(const auto job, ReadAs(services_, caller_, [&](access::Tx& tx) {
              return services_.queue.Get(tx, accepted.job);
            }));
    const bool replay = replay_ || accepted.known == media::Known::kByExternalId;
    return JsonResponse(201, ReplyJson(accepted, job.status, replay));
  }

  const Services& services_;
  const Request& request_;
  const Caller& caller_;
  access::IdempotentRequest idempotent_;
  bool replay_ = false;
};

}  // namespace

void AddIngestRoutes(Router& router, const Services& services) {
  router.Add({.method = "POST",
              .pattern = "/api/v1/ingest",
              .cost = Cost::kWrite,
              .permission = {"write", "videos"},
              .handler = [services](const Request& request, const Caller& caller) {
                return Ingest(services, request, caller).Run();
              }});
}

}  // namespace narralytica::api
