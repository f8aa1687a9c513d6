#include "app/integrity.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "index/vector_store.hpp"
#include "jobs/changes.hpp"
#include "jobs/pipeline.hpp"
#include "media/video_store.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::app {
namespace {

constexpr int kPage = 500;

class Checker {
 public:
  Checker(Installation& store, const IntegrityOptions& options, const Deadline& deadline)
      : store_(store), options_(options), deadline_(deadline) {}

  Result<std::vector<Finding>> Run() {
    const Status database = store_.database().CheckIntegrity();
    if (!database) {
      Add({"database", store_.folder(), database.error().message, Remedy::kNone, {}, {}});
      return std::move(findings_);
    }
    NRL_CHECK(access::Read(store_.database(), store_.scope(),
                           [&](access::Tx& tx) -> Status { return CheckRows(tx); }));
    NRL_CHECK(FindOrphans());
    const Status index = store_.index().Verify(deadline_);
    if (index) {
      NRL_CHECK(CheckIndex());
    } else {
      Add({"index", "current", index.error().message, Remedy::kRebuildIndex, {}, {}});
    }
    return std::move(findings_);
  }

 private:
  struct Expected {
    TranscriptId transcript;
    size_t segments = 0;
  };

  void Add(Finding finding) { findings_.push_back(std::move(finding)); }

  // True when the object is whole; else `finding` tells of it.
  bool CheckObject(const std::string& key, Finding finding) {
    if (!referenced_.insert(key).second) return true;
    const Status intact = store_.objects().Verify(key);
    if (intact) return true;
    finding.detail = intact.error().Describe();
    finding.object_key = key;
    Add(std::move(finding));
    return false;
  }

  Status CheckRows(access::Tx& tx) {
    VideoId before;
    while (true) {
      NRL_TRY(const auto videos, media::ListVideos(tx, before, kPage));
      if (videos.empty()) break;
      for (const media::Video& video : videos) {
        NRL_CHECK(deadline_.Check("fsck"));
        NRL_CHECK(CheckVideo(tx, video));
      }
      before = videos.back().id;
    }
    TranscriptId after;
    while (true) {
      NRL_TRY(const auto transcripts, transcript::ListTranscripts(tx, after, kPage));
      if (transcripts.empty()) break;
      for (const auto& transcript : transcripts) NRL_CHECK(CheckTranscript(tx, transcript));
      after = transcripts.back().id;
    }
    std::string last;
    while (true) {
      NRL_TRY(const auto vectors, index::ListVectors(tx, last, kPage));
      if (vectors.empty()) return {};
      for (const auto& stored : vectors) {
        CheckObject(stored.object_key,
                    {"vectors", stored.id, {}, Remedy::kEmbed, stored.video, {}});
      }
      last = vectors.back().id;
    }
  }

  Status CheckVideo(access::Tx& tx, const media::Video& video) {
    NRL_TRY(const auto artifacts, media::ArtifactsOf(tx, video.id));
    bool has_original = false;
    for (const media::Artifact& artifact : artifacts) {
      if (artifact.kind != "original") continue;
      has_original =
          CheckObject(artifact.object.key,
                      {"artifact", video.id.str() + "/original", {}, Remedy::kNone, video.id, {}});
    }
    for (const media::Artifact& artifact : artifacts) {
      const Remedy remedy = has_original ? Remedy::kPrepare : Remedy::kNone;
      CheckObject(artifact.object.key,
                  {"artifact", video.id.str() + "/" + artifact.kind, {}, remedy, video.id, {}});
    }
    NRL_TRY(const auto jobs, store_.queue().OfVideo(tx, video.id));
    const Remedy prepare = has_original ? Remedy::kPrepare : Remedy::kNone;
    if (jobs.empty()) {
      Add({"video", video.id.str(), "no job ever took care of it", prepare, video.id, {}});
      return {};
    }
    const std::string said(jobs::VideoStatusOf(jobs));
    const bool settled = jobs::HasSettled(jobs);
    if (settled && video.status != said) {
      Add({"video",
           video.id.str(),
           fmt::format("is called {}, but its jobs say {}", video.status, said),
           Remedy::kSetStatus,
           video.id,
           {}});
    }
    const bool should_have_text = video.status == "ready" || video.status == "partial";
    if (should_have_text && !transcript::CurrentTranscript(tx, video.id)) {
      Add({"video",
           video.id.str(),
           "is " + video.status + " but has no transcript",
           Remedy::kTranscribe,
           video.id,
           {}});
    }
    return {};
  }

  Status CheckTranscript(access::Tx& tx, const transcript::Transcript& transcript) {
    // What a later version superseded is not made again: it is history.
    const bool superseded = transcript.superseded_by.has_value();
    const Remedy remedy = superseded ? Remedy::kNone : Remedy::kTranscribe;
    Finding finding{"words", transcript.id.str(), {}, remedy, transcript.video, {}};
    const bool whole = CheckObject(transcript.words.key, finding);
    NRL_TRY(const auto segments, transcript::SegmentsOf(tx, transcript.id));
    finding.kind = "transcript";
    if (whole) {
      NRL_TRY(const auto words, transcript::LoadWords(store_.objects(), transcript));
      if (words.size() != segments.size()) {
        finding.detail = fmt::format("{} segments but words for {}", segments.size(), words.size());
        if (superseded) {
          finding.detail += fmt::format(" in version {}, which is superseded", transcript.version);
        }
        Add(finding);
      }
    }
    int64_t end_ms = 0;
    for (const auto& segment : segments) {
      if (segment.range.start_ms < end_ms) {
        finding.detail = fmt::format("segment {} overlaps the one before", segment.segment_index);
        Add(finding);
      }
      end_ms = segment.range.end_ms;
    }
    if (!transcript.superseded_by) expected_[transcript.video] = {transcript.id, segments.size()};
    return {};
  }

  Status FindOrphans() {
    const int64_t born_before = store_.environment().clock.Now().value - options_.orphan_age_ms;
    std::string after;
    while (true) {
      NRL_CHECK(deadline_.Check("fsck"));
      NRL_TRY(const auto objects, store_.objects().List(after, kPage));
      if (objects.empty()) return {};
      for (const platform::ListedObject& object : objects) {
        if (referenced_.contains(object.key) || object.written.value > born_before) continue;
        Add({"object", object.key, "nothing refers to it", Remedy::kRemoveObject, {}, object.key});
      }
      after = objects.back().key;
    }
  }

  // The index against the rows it was made from; while jobs are open it may be behind.
  Status CheckIndex() {
    NRL_TRY(const int open, store_.queue().CountOpen());
    if (open > 0) return {};
    NRL_TRY(const auto reader, store_.index().Read(store_.scope().tenant));
    const int64_t as_of_seq = reader->info().as_of_seq;
    const std::string& generation = reader->info().generation;
    std::optional<UtcMs> missing;
    int64_t newest_seq = 0;
    NRL_CHECK(
        access::Read(store_.database(), access::SystemScope("fsck"), [&](access::Tx& tx) -> Status {
          NRL_TRY(newest_seq, jobs::NewestSeq(tx));
          NRL_TRY(missing, jobs::OldestChangeAfter(tx, as_of_seq));
          return {};
        }));
    if (as_of_seq > newest_seq) {
      Add({"index",
           generation,
           "knows changes that the database does not, as after a restore of the database alone",
           Remedy::kRebuildIndex,
           {},
           {}});
      return {};
    }
    if (missing) {
      Add({"index",
           generation,
           "changes since " + FormatRfc3339(*missing) + " are not in it",
           Remedy::kCatchUp,
           {},
           {}});
      return {};
    }
    return CompareRecordings(*reader);
  }

  Status CompareRecordings(index::Reader& reader) {
    const auto add = [&](const VideoId& video, std::string detail) {
      Add({"index", video.str(), std::move(detail), Remedy::kReindex, video, {}});
    };
    VideoId after;
    while (true) {
      NRL_TRY(const auto recordings, reader.Recordings(after, kPage));
      if (recordings.empty()) break;
      for (const index::IndexedRecording& held : recordings) {
        const auto node = expected_.extract(held.video_id);
        const Expected wanted = node.empty() ? Expected{} : node.mapped();
        if (held.segments != wanted.segments) {
          add(held.video_id, fmt::format("the index has {} of its segments, the database {}",
                                         held.segments, wanted.segments));
        } else if (held.segments > 0 && held.transcript_id != wanted.transcript) {
          add(held.video_id, "the index has another transcript than the current one");
        }
      }
      after = recordings.back().video_id;
    }
    for (const auto& [video, wanted] : expected_) {
      if (wanted.segments > 0) add(video, "is not in the index");
    }
    return {};
  }

  Installation& store_;
  const IntegrityOptions options_;
  const Deadline deadline_;
  std::vector<Finding> findings_;
  std::set<std::string> referenced_;
  std::map<VideoId, Expected> expected_;  // current transcripts
};

}  // namespace

Result<std::vector<Finding>> CheckIntegrity(Installation& store, const IntegrityOptions& options,
                                            const Deadline& deadline) {
  return Checker(store, options, deadline).Run();
}

}  // namespace narralytica::app
