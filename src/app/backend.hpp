// What a command asks for, wherever it is answered: on the data folder of this machine, or by a
// server over HTTP. A command has one presentation and this one seam, so that both ways print the
// same.
//
// Documents are those of the wire contract (contracts/openapi.yaml) both ways. Errors are too: what
// a server says comes back as the Error it began as, with its hint; a server that cannot be reached
// is kUnavailable, a key that it does not know kDenied. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "access/keys.hpp"
#include "app/cli.hpp"
#include "jobs/job_lists.hpp"
#include "media/intake.hpp"
#include "search/searcher.hpp"
#include "source/feeds.hpp"

namespace narralytica::app {

// `total` bytes are to be taken in, `done` of them are; `stage` says in a word or two what is going
// on now.
using IntakeProgress = std::function<void(std::string_view stage, int64_t done, int64_t total)>;

class Backend {
 public:
  virtual ~Backend() = default;

  // Whether recordings can be taken in at all, before the first is looked at.
  virtual Status CheckIntake() = 0;
  // {"video_id", "job_id", "duplicate", ...}; what this returns is kept.
  virtual Result<Json> Ingest(const media::IntakeRequest& request,
                              const IntakeProgress& progress) = 0;
  // Called now and then while somebody waits for the work: sees to it that it goes on. An error
  // when it will not.
  virtual Status KeepWorking() = 0;
  // Who works on what was accepted, for people.
  virtual std::string WhoWorks() const = 0;
  // How often it may be asked how far the work is.
  virtual std::chrono::milliseconds poll_every() const = 0;

  // The contract's video; kNotFound.
  virtual Result<Json> Video(const VideoId& video) = 0;
  // The body of `POST /search`.
  virtual Result<Json> Search(const search::SearchRequest& request) = 0;
  // "json", "srt", "vtt" or "txt"; kNotFound for a video without a transcript.
  virtual Result<std::string> Transcript(const VideoId& video, const std::string& format) = 0;
  // The contract's speakers of a video; kNotFound for an unknown video.
  virtual Result<Json> Speakers(const VideoId& video) = 0;
  virtual Result<std::string> SpeakersRttm(const VideoId& video) = 0;
  // Writes an artifact ("audio", "playback", "waveform", "poster") that the video has to `path`.
  virtual Status SaveArtifact(const VideoId& video, const std::string& kind,
                              const std::string& path) = 0;

  // Newest first, at most `limit` of each.
  virtual Result<Json> Jobs(const jobs::JobFilter& filter, int limit) = 0;
  virtual Result<Json> Job(const JobId& job) = 0;
  // `action` is "cancel" or "retry"; the job as it is then.
  virtual Result<Json> ChangeJob(const JobId& job, const std::string& action) = 0;
  // The body of `POST /dead-letters/redrive`; at most api::kRedriveMax at once.
  virtual Result<Json> Redrive(const jobs::DeadLetterFilter& filter, int limit) = 0;
  virtual Result<Json> Keys(int limit) = 0;
  virtual Result<Json> CreateKey(const access::NewKey& wanted) = 0;
  virtual Status RevokeKey(const KeyId& key) = 0;

  // Feeds and watched folders, newest first. A folder is a path on the machine that polls it.
  virtual Result<Json> Feeds(int limit) = 0;
  virtual Result<Json> AddFeed(const source::Feed& wanted) = 0;
  virtual Status RemoveFeed(const FeedId& feed) = 0;
  // Makes its next poll due now; the feed as it is then.
  virtual Result<Json> PollFeed(const FeedId& feed) = 0;
};

// The one that the options name. `process` is the name of the command in the log.
Result<std::unique_ptr<Backend>> OpenBackend(const CommonOptions& options, std::string_view process,
                                             std::stop_token stop);

}  // namespace narralytica::app
