// Intake: where work is accepted. What Accept returned 'queued' for is never lost.
//
// The content is in the object store before anything is written to the database; then one
// transaction creates the video, its source and its ingest job, or finds that this content, this
// external id or this idempotency key was there already.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "access/tx.hpp"
#include "jobs/queue.hpp"
#include "media/video_store.hpp"
#include "platform/objects/objects.hpp"
#include "source/source_store.hpp"

namespace narralytica::media {

struct IntakeConfig {
  int64_t file_bytes_max = int64_t{64} << 30;
  void Bind(platform::ConfigBinder& binder);
};

struct IntakeRequest {
  std::string path;   // of a local file
  std::string title;  // empty: the file name without its extension
  std::string external_id;
  std::string language;  // "" or "auto": recognised; else the code given for the whole recording
  std::string model;     // recognition model; "" the default
  std::optional<UtcMs> published_at;
  nlohmann::json metadata = nlohmann::json::object();
};

struct Accepted {
  VideoId video;
  JobId job;
  bool duplicate = false;
};

struct IntakeServices {
  platform::Database& database;
  platform::ObjectStore& objects;
  jobs::Queue& queue;
  Environment environment;
};

class Intake {
 public:
  Intake(IntakeServices services, IntakeConfig config);

  // Copies the file into the object store, telling `progress` the bytes done, then accepts it.
  // kInvalid for what is not a regular file or is empty, kLimited when too large.
  Result<Accepted> AcceptFile(const access::Scope& scope, const IntakeRequest& request,
                              const std::function<void(int64_t done, int64_t total)>& progress);

 private:
  Result<std::optional<Accepted>> FindDuplicate(access::Tx& tx, const IntakeRequest& request,
                                                const std::string& sha256);
  Result<Accepted> Create(access::Tx& tx, const IntakeRequest& request,
                          const platform::ObjectRef& object);

  const IntakeServices services_;
  const IntakeConfig config_;
};

}  // namespace narralytica::media
