#include <algorithm>

#include "app/index_rebuild.hpp"
#include "app/integrity.hpp"
#include "index/stages.hpp"
#include "index/vector_store.hpp"
#include "jobs/changes.hpp"
#include "jobs/pipeline.hpp"
#include "media/video_store.hpp"

namespace narralytica::app {
namespace {

constexpr const char* kRepaired = "repaired";
constexpr const char* kQueued = "queued";

class Repairer {
 public:
  Repairer(Installation& store, const Deadline& deadline) : store_(store), deadline_(deadline) {}

  Repair Mend(const Finding& finding) {
    const auto outcome = Apply(finding);
    if (outcome) return {finding, *outcome, {}};
    return {finding, "failed", outcome.error()};
  }

 private:
  Result<std::string> Apply(const Finding& finding) {
    switch (finding.remedy) {
      case Remedy::kNone:
        return "not repairable";
      case Remedy::kPrepare:
        return Queue(finding.video, jobs::kPrepareAgain);
      case Remedy::kTranscribe:
        return Queue(finding.video, {"transcribe", ""});
      case Remedy::kEmbed:
        return EmbedAgain(finding);
      case Remedy::kSetStatus:
        return SetStatus(finding.video);
      case Remedy::kRemoveObject:
        NRL_CHECK(store_.objects().Remove(finding.object_key));
        return kRepaired;
      case Remedy::kReindex:
        return Reindex(finding.video);
      case Remedy::kCatchUp:
        NRL_CHECK(CatchUp());
        return kRepaired;
      case Remedy::kRebuildIndex:
        NRL_CHECK(RebuildIndex(store_, deadline_));
        return kRepaired;
    }
    return Fail(ErrorCode::kInternal, "unknown remedy");
  }

  Status CatchUp() {
    const index::CatchUp task{store_.database(),    store_.objects(), store_.index(),
                              store_.environment(), "cli/fsck",       ""};
    NRL_TRY(const index::CatchUpResult result, index::RunCatchUp(task, deadline_));
    if (result.failures.empty()) return {};
    return Fail(result.failures.front().second);
  }

  Status Write(const std::function<Status(access::Tx&)>& body) {
    return access::Write(store_.database(), store_.scope(), body);
  }

  // With what was asked for when the recording was taken in.
  Status Enqueue(access::Tx& tx, const VideoId& video, const jobs::StageName& stage) {
    NRL_TRY(const auto jobs, store_.queue().OfVideo(tx, video));
    const auto first = std::ranges::min_element(jobs, {}, &jobs::Job::id);
    jobs::NewJob job{.stage = stage, .video = video};
    if (first != jobs.end()) job.payload = first->payload;
    job.unique_key = stage.Label() + ":" + video.str();
    NRL_CHECK(store_.queue().Enqueue(tx, job));
    return {};
  }

  Result<std::string> Queue(const VideoId& video, const jobs::StageName& stage) {
    NRL_CHECK(Write([&](access::Tx& tx) { return Enqueue(tx, video, stage); }));
    return kQueued;
  }

  // A row whose object is lost hides that vectors are missing.
  Result<std::string> EmbedAgain(const Finding& finding) {
    const Status written = Write([&](access::Tx& tx) -> Status {
      NRL_CHECK(index::DeleteVectors(tx, finding.id));
      return Enqueue(tx, finding.video, {"enrich", "embedding"});
    });
    NRL_CHECK(written);
    return kQueued;
  }

  Result<std::string> SetStatus(const VideoId& video) {
    const Status written = Write([&](access::Tx& tx) -> Status {
      NRL_CHECK(tx.Lock("video:" + video.str()));
      NRL_TRY(const auto jobs, store_.queue().OfVideo(tx, video));
      return media::SetVideoStatus(tx, video, jobs::VideoStatusOf(jobs),
                                   store_.environment().clock.Now());
    });
    NRL_CHECK(written);
    return kRepaired;
  }

  Result<std::string> Reindex(const VideoId& video) {
    NRL_CHECK(Write([&](access::Tx& tx) {
      return jobs::AppendChange(tx, {"video", video.str()}, "put",
                                store_.environment().clock.Now());
    }));
    NRL_CHECK(CatchUp());
    return kRepaired;
  }

  Installation& store_;
  const Deadline deadline_;
};

}  // namespace

Result<std::vector<Repair>> RepairFindings(Installation& store,
                                           const std::vector<Finding>& findings,
                                           const Deadline& deadline) {
  Repairer repairer(store, deadline);
  std::vector<Repair> repairs;
  for (const Finding& finding : findings) {
    NRL_CHECK(deadline.Check("fsck --repair"));
    repairs.push_back(repairer.Mend(finding));
  }
  return repairs;
}

}  // namespace narralytica::app
