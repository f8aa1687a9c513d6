#include <condition_variable>
#include <mutex>
#include <ranges>
#include <set>

#include "index/projection.hpp"
#include "index/stages.hpp"
#include "jobs/changes.hpp"
#include "jobs/lease.hpp"

namespace narralytica::index {
namespace {

constexpr const char* kWriterLease = "index-writer";
constexpr int64_t kLeaseMs = 30'000;
constexpr std::chrono::milliseconds kLeasePoll{200};
constexpr int kChangesPerRound = 500;
constexpr std::chrono::milliseconds kStageTimeout{3'600'000};

// Held for the time of a catch-up; renewed by each round.
class WriterLease {
 public:
  static Result<WriterLease> Take(const CatchUp& task, const Deadline& deadline) {
    const jobs::NamedLease wanted{kWriterLease, task.holder, 0};
    while (true) {
      NRL_TRY(const auto lease, jobs::TakeLease(task.database, task.environment, wanted, kLeaseMs));
      if (lease) return WriterLease(task, *lease);
      NRL_CHECK(deadline.Check("waiting for the writer of the index"));
      std::mutex mutex;
      std::condition_variable_any wake;
      std::unique_lock lock(mutex);
      wake.wait_for(lock, deadline.stop(), deadline.Left(kLeasePoll), [] { return false; });
    }
  }
  WriterLease(WriterLease&& other) noexcept : task_(other.task_), lease_(other.lease_) {
    other.held_ = false;
  }
  WriterLease& operator=(WriterLease&&) = delete;
  ~WriterLease() {
    if (held_) (void)jobs::DropLease(task_.database, lease_);
  }

  int64_t epoch() const { return lease_.epoch; }

  Status Renew() {
    NRL_TRY(const auto lease, jobs::TakeLease(task_.database, task_.environment, lease_, kLeaseMs));
    if (!lease || lease->epoch != lease_.epoch) {
      return Fail(Error{ErrorCode::kConflict, "another process writes the index now", {}, {}, {}});
    }
    return {};
  }

 private:
  WriterLease(const CatchUp& task, jobs::NamedLease lease)
      : task_(task), lease_(std::move(lease)) {}
  const CatchUp& task_;
  const jobs::NamedLease lease_;
  bool held_ = true;
};

Result<std::vector<jobs::Change>> NextChanges(const CatchUp& task, int64_t after_seq) {
  // Numbering here makes what has just committed visible without waiting for the next beat.
  NRL_CHECK(access::Write(task.database, access::SystemScope(task.holder), [](access::Tx& tx) {
    return jobs::NumberChanges(tx, kChangesPerRound);
  }));
  return access::Read(task.database, access::SystemScope(task.holder), [&](access::Tx& tx) {
    return jobs::ReadAllChanges(tx, after_seq, kChangesPerRound);
  });
}

// The change number that every reader of the generation sees.
Result<int64_t> CurrentSeq(const CatchUp& task) {
  if (!task.generation.empty()) return 0;
  NRL_TRY(const auto reader, task.index.Read(access::DefaultTenant()));
  return reader->info().as_of_seq;
}

struct AffectedRecording {
  TenantId tenant;
  VideoId video;
  int64_t seq = 0;  // of its last change
};

// Each recording once, in the order of its last change.
std::vector<AffectedRecording> Affected(const std::vector<jobs::Change>& changes) {
  std::vector<AffectedRecording> affected;
  std::set<std::pair<TenantId, std::string>> seen;
  for (const jobs::Change& change : changes | std::views::reverse) {
    if (!seen.emplace(change.tenant, change.entity_id).second) continue;
    affected.push_back({change.tenant, VideoId::FromTrusted(change.entity_id), change.seq});
  }
  std::ranges::reverse(affected);
  return affected;
}

Status ApplyOne(const CatchUp& task, Writer& writer, const AffectedRecording& affected,
                int64_t lease_epoch) {
  const access::Scope scope{affected.tenant, task.holder, {}};
  const Change change{affected.seq, lease_epoch};
  NRL_TRY(const Projection projection, access::Read(task.database, scope, [&](access::Tx& tx) {
            return Project(tx, task.objects, affected.video);
          }));
  if (!projection.recording) {
    NRL_CHECK(writer.Delete(affected.tenant, affected.video, change));
    return {};
  }
  NRL_CHECK(writer.Replace(*projection.recording, change));
  if (projection.vectors_error) return Fail(*projection.vectors_error);
  return {};
}

class IndexStage final : public jobs::Stage {
 public:
  IndexStage(Index& index, platform::ObjectStore& objects) : index_(index), objects_(objects) {}

  Status Run(jobs::StageContext& context) override {
    context.SetProgress(0, "indexing");
    const CatchUp task{context.database(),
                       objects_,
                       index_,
                       context.environment(),
                       context.scope().actor + "/" + context.job().id.str(),
                       "",
                       [&context] { return context.CheckLease(jobs::WriteKind::kIndex); }};
    NRL_TRY(const CatchUpResult result,
            RunCatchUp(task, Deadline::In(kStageTimeout, context.stop())));
    for (const auto& [video, error] : result.failures) {
      context.log().Error("a recording cannot be indexed", error);
      if (video == context.job().video) return Fail(error);
    }
    return context.Finish([](access::Tx&) -> Status { return {}; });
  }

 private:
  Index& index_;
  platform::ObjectStore& objects_;
};

}  // namespace

Result<CatchUpResult> RunCatchUp(const CatchUp& task, const Deadline& deadline) {
  NRL_TRY(WriterLease lease, WriterLease::Take(task, deadline));
  CatchUpResult result;
  NRL_TRY(result.as_of_seq, CurrentSeq(task));
  while (true) {
    NRL_TRY(const auto changes, NextChanges(task, result.as_of_seq));
    if (changes.empty()) return result;
    NRL_CHECK(lease.Renew());
    NRL_TRY(auto writer, task.index.Write(task.generation, deadline));
    for (const AffectedRecording& affected : Affected(changes)) {
      NRL_CHECK(deadline.Check("indexing"));
      const Status applied = ApplyOne(task, *writer, affected, lease.epoch());
      if (applied) {
        ++result.recordings;
      } else if (applied.error().code == ErrorCode::kCorrupt) {
        result.failures.emplace_back(affected.video, applied.error());
      } else {
        return Fail(applied);
      }
    }
    if (task.may_commit) NRL_CHECK(task.may_commit());
    NRL_CHECK(writer->Commit());
    result.as_of_seq = changes.back().seq;
  }
}

std::unique_ptr<jobs::Stage> MakeIndexStage(Index& index, platform::ObjectStore& objects) {
  return std::make_unique<IndexStage>(index, objects);
}

}  // namespace narralytica::index
