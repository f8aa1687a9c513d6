// `fsck`: database, objects and index against one another; reports, never repairs by itself.
#include <fmt/format.h>

#include <set>

#include "app/cli.hpp"
#include "index/vector_store.hpp"
#include "jobs/changes.hpp"
#include "media/video_store.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::app {
namespace {

constexpr int kPage = 500;
constexpr std::chrono::hours kIndexTimeout{1};

struct Finding {
  std::string kind;
  std::string id;
  std::string detail;
  bool repairable = false;
};

class Checker {
 public:
  explicit Checker(Installation& store) : store_(store) {}

  // Every finding; an error when the check itself could not be made.
  Result<std::vector<Finding>> Run(const Deadline& deadline) {
    const Status database = store_.database().CheckIntegrity();
    if (!database) {
      Add("database", store_.folder(), database.error().message, false);
      return std::move(findings_);
    }
    NRL_CHECK(access::Read(store_.database(), store_.scope(),
                           [&](access::Tx& tx) -> Status { return CheckRows(tx, deadline); }));
    NRL_CHECK(FindOrphans(deadline));
    const Status index = store_.index().Verify(deadline);
    if (!index) Add("index", "current", index.error().message, true);
    NRL_CHECK(CheckFreshness());
    return std::move(findings_);
  }

 private:
  void Add(std::string kind, std::string id, std::string detail, bool repairable) {
    findings_.push_back({std::move(kind), std::move(id), std::move(detail), repairable});
  }

  void CheckObject(const std::string& key, const std::string& kind, const std::string& id) {
    if (!referenced_.insert(key).second) return;
    const Status intact = store_.objects().Verify(key);
    if (!intact) Add(kind, id, intact.error().Describe(), kind == "vectors");
  }

  Status CheckRows(access::Tx& tx, const Deadline& deadline) {
    VideoId before;
    while (true) {
      NRL_TRY(const auto videos, media::ListVideos(tx, before, kPage));
      if (videos.empty()) break;
      for (const media::Video& video : videos) {
        NRL_CHECK(deadline.Check("fsck"));
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
      for (const auto& stored : vectors) CheckObject(stored.object_key, "vectors", stored.id);
      last = vectors.back().id;
    }
  }

  Status CheckVideo(access::Tx& tx, const media::Video& video) {
    NRL_TRY(const auto artifacts, media::ArtifactsOf(tx, video.id));
    for (const media::Artifact& artifact : artifacts) {
      CheckObject(artifact.object.key, "artifact", video.id.str() + "/" + artifact.kind);
    }
    NRL_TRY(const auto jobs, store_.queue().OfVideo(tx, video.id));
    if (jobs.empty()) Add("video", video.id.str(), "no job ever took care of it", true);
    const bool should_have_text = video.status == "ready" || video.status == "partial";
    if (should_have_text && !transcript::CurrentTranscript(tx, video.id)) {
      Add("video", video.id.str(), "is " + video.status + " but has no transcript", false);
    }
    return {};
  }

  Status CheckTranscript(access::Tx& tx, const transcript::Transcript& transcript) {
    CheckObject(transcript.words.key, "words", transcript.id.str());
    NRL_TRY(const auto segments, transcript::SegmentsOf(tx, transcript.id));
    const auto words = transcript::LoadWords(store_.objects(), transcript);
    if (words && words->size() != segments.size()) {
      Add("transcript", transcript.id.str(),
          fmt::format("{} segments but words for {}", segments.size(), words->size()), false);
    }
    int64_t end_ms = 0;
    for (const auto& segment : segments) {
      if (segment.range.start_ms < end_ms) {
        Add("segment", segment.id.str(), "overlaps the one before", false);
      }
      end_ms = segment.range.end_ms;
    }
    return {};
  }

  Status FindOrphans(const Deadline& deadline) {
    std::string after;
    while (true) {
      NRL_CHECK(deadline.Check("fsck"));
      NRL_TRY(const auto keys, store_.objects().List(after, kPage));
      if (keys.empty()) return {};
      for (const std::string& key : keys) {
        if (!referenced_.contains(key)) Add("object", key, "nothing refers to it", true);
      }
      after = keys.back();
    }
  }

  Status CheckFreshness() {
    NRL_TRY(const auto reader, store_.index().Read(store_.scope().tenant));
    NRL_TRY(const int open, store_.queue().CountOpen());
    const int64_t as_of_seq = reader->info().as_of_seq;
    NRL_TRY(const auto missing,
            access::Read(store_.database(), store_.scope(),
                         [&](access::Tx& tx) { return jobs::OldestChangeAfter(tx, as_of_seq); }));
    if (missing && open == 0) {
      Add("index", reader->info().generation,
          "changes since " + FormatRfc3339(*missing) + " are not in it", true);
    }
    return {};
  }

  Installation& store_;
  std::vector<Finding> findings_;
  std::set<std::string> referenced_;
};

int Run(const CommonOptions& options) {
  SignalStop stop;
  auto store = OpenInstallation(options, "fsck");
  if (!store) return FailCommand(store.error(), options.json);
  const auto findings = Checker(**store).Run(Deadline::In(kIndexTimeout, stop.token()));
  if (!findings) return FailCommand(findings.error(), options.json);
  Json items = Json::array();
  for (const Finding& finding : *findings) {
    items.push_back({{"kind", finding.kind},
                     {"id", finding.id},
                     {"detail", finding.detail},
                     {"repairable", finding.repairable}});
    if (!options.json) {
      fmt::print("{:<10} {}  {}{}\n", finding.kind, finding.id, finding.detail,
                 finding.repairable ? "" : "  (not repairable: restore from a backup)");
    }
  }
  const bool ok = findings->empty();
  if (options.json) {
    PrintJson({{"ok", ok}, {"findings", items}});
  } else if (ok) {
    fmt::print("clean\n");
  }
  return ok ? kDone : kCheckFailed;
}

}  // namespace

void AddFsckCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "fsck", "check database, objects and index against one another (exit 7: findings)");
  AddCommonOptions(*command, *options, Place::kFolder);
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
