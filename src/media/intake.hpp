// Intake: where work is accepted. What Accept returned 'queued' for is never lost.
//
// A file's content is in the object store before anything is written to the database; a URL is
// fetched by the job. One transaction creates the video, its source and its ingest job, or finds
// that this content, this external id or this idempotency key was there already.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "access/tx.hpp"
#include "jobs/queue.hpp"
#include "media/admission.hpp"
#include "media/video_store.hpp"
#include "platform/objects/objects.hpp"
#include "source/source_store.hpp"

namespace narralytica::media {

struct IntakeConfig {
  int64_t file_bytes_max = int64_t{64} << 30;
  AdmissionConfig admission = {};
  void Bind(platform::ConfigBinder& binder);
};

inline constexpr int64_t kSpeakersMax = 100;

struct IntakeRequest {
  std::string kind = "upload";  // "external_url", "youtube": fetched by the ingest job
  std::string path;             // of a local file
  std::string locator;          // what to call it; "": the file's name; or the URL
  std::string title;            // empty: the file name without its extension
  std::string external_id;
  std::string language;  // "" or "auto": recognised; else the code given for the whole recording
  std::string model;     // recognition model; "" the default
  // How many people are known to speak, 1 to kSpeakersMax; without them it is found out.
  std::optional<int64_t> speakers_min = {}, speakers_max = {};
  std::optional<UtcMs> published_at;
  nlohmann::json metadata = nlohmann::json::object();
};

// How the recording was recognised as one that is there already.
enum class Known { kNo, kByContent, kByExternalId };

struct Accepted {
  VideoId video;
  JobId job;
  bool duplicate = false;
  Known known = Known::kNo;
};

// What a caller does in the transaction that accepts; empty functions do nothing. It may run more
// than once, so it leaves nothing behind but rows.
struct IntakeHooks {
  std::function<void(int64_t done, int64_t total)> progress;
  // Looks for an earlier answer, which then stands and ends the matter.
  std::function<Result<std::optional<Accepted>>(access::Tx&)> earlier;
  std::function<Status(access::Tx&, const Accepted&)> accepted;
};

struct IntakeServices {
  platform::Database& database;
  platform::ObjectStore& objects;
  jobs::Queue& queue;
  Environment environment;
};

// The file's size in bytes. kNotFound or kDenied when it cannot be looked at, kInvalid for what is
// not a regular file or is empty, kLimited (reason "media_too_large") beyond `bytes_max`.
Result<int64_t> CheckFile(const IntakeRequest& request, int64_t bytes_max);

class Intake {
 public:
  Intake(IntakeServices services, IntakeConfig config);

  // Whether more is taken in: CheckAdmission. Both ways in below ask it themselves.
  Status Admit(const access::Scope& scope) const;
  // Copies the file into the object store, then accepts it. CheckFile's errors, and Admit's before
  // anything is copied. Thread-safe.
  Result<Accepted> AcceptFile(const access::Scope& scope, const IntakeRequest& request,
                              const IntakeHooks& hooks) const;
  // Accepts a recording that the ingest job fetches; `locator` is its URL, judged by the caller
  // (source::Dialer::CheckUrl). Admit's errors for what is not known yet. What the content is, and
  // whether it is there already, shows then.
  Result<Accepted> AcceptUrl(const access::Scope& scope, const IntakeRequest& request,
                             const IntakeHooks& hooks) const;

 private:
  // `sha256` is empty while the content is not known.
  Result<std::optional<Accepted>> FindDuplicate(access::Tx& tx, const IntakeRequest& request,
                                                const std::string& sha256) const;
  // Without an object: to be fetched.
  Result<Accepted> Create(access::Tx& tx, const IntakeRequest& request,
                          const std::optional<platform::ObjectRef>& object) const;

  const IntakeServices services_;
  const IntakeConfig config_;
};

}  // namespace narralytica::media
