// `fsck`: database, objects and index against one another; with --repair it mends what it can.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "app/cli.hpp"
#include "app/integrity.hpp"
#include "app/work.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::hours kTimeout{24};
constexpr std::chrono::milliseconds kPoll{500};
// What was mended may show what lay beneath: vectors of a transcript that was recognised again.
constexpr int kRoundsMax = 3;

struct FsckOptions {
  CommonOptions common;
  bool repair = false;
  int64_t orphan_age_s = 3'600;
};

struct Report {
  std::vector<Finding> findings;  // those that are left
  std::vector<Repair> repairs;
};

// The jobs that mend, done by whoever works here, else by this command.
Status WorkThrough(Installation& store, const Deadline& deadline) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (true) {
    NRL_CHECK(deadline.Check("fsck --repair"));
    NRL_TRY(const int open, store.queue().CountOpen());
    if (open == 0) return {};
    NRL_TRY(const int live, store.queue().CountLiveWorkers());
    if (live == 0) return RunWorker(store, deadline.stop(), true);
    std::unique_lock lock(mutex);
    wake.wait_for(lock, deadline.stop(), kPoll, [] { return false; });
  }
}

Result<Report> Do(Installation& store, const FsckOptions& options, const Deadline& deadline) {
  const IntegrityOptions integrity{.orphan_age_ms = options.orphan_age_s * 1'000};
  Report report;
  NRL_TRY(report.findings, CheckIntegrity(store, integrity, deadline));
  for (int round = 0; options.repair && round < kRoundsMax; ++round) {
    const bool can_mend = std::ranges::any_of(
        report.findings, [](const Finding& f) { return f.remedy != Remedy::kNone; });
    if (!can_mend) break;
    NRL_TRY(auto repairs, RepairFindings(store, report.findings, deadline));
    const auto queued = std::ranges::count(repairs, "queued", &Repair::outcome);
    std::ranges::move(repairs, std::back_inserter(report.repairs));
    if (queued > 0) {
      Note(fmt::format("{} found, {} of them need work that begins now", report.findings.size(),
                       queued));
      NRL_CHECK(WorkThrough(store, deadline));
    }
    NRL_TRY(report.findings, CheckIntegrity(store, integrity, deadline));
  }
  return report;
}

Json FindingJson(const Finding& finding) {
  return {{"kind", finding.kind},
          {"id", finding.id},
          {"detail", finding.detail},
          {"repairable", finding.remedy != Remedy::kNone}};
}

Json RepairJson(const Repair& repair) {
  Json json = FindingJson(repair.finding);
  json["outcome"] = repair.outcome;
  json["error"] = repair.error ? ErrorJson(*repair.error) : Json(nullptr);
  return json;
}

const char* WhatToDo(const Finding& finding, bool repaired) {
  if (finding.remedy != Remedy::kNone) return repaired ? "" : "  (fsck --repair)";
  // Of a version that was superseded: the recording's current words are another finding's matter.
  if (finding.kind == "transcript" || finding.kind == "words") {
    return "  (history: nothing current is made of it, and only a backup has it whole)";
  }
  return "  (not repairable: ingest the same file again, or restore a backup)";
}

void Print(const Report& report, const FsckOptions& options) {
  for (const Repair& repair : report.repairs) {
    fmt::print("{:<14} {:<10} {}  {}\n", repair.outcome, repair.finding.kind, repair.finding.id,
               repair.error ? repair.error->Describe() : repair.finding.detail);
  }
  for (const Finding& finding : report.findings) {
    fmt::print("{:<10} {}  {}{}\n", finding.kind, finding.id, finding.detail,
               WhatToDo(finding, options.repair));
  }
  if (report.findings.empty()) fmt::print("clean\n");
}

int Run(const FsckOptions& options) {
  SignalStop stop;
  auto store = OpenInstallation(options.common, "fsck");
  if (!store) return FailCommand(store.error(), options.common.json);
  const auto report = Do(**store, options, Deadline::In(kTimeout, stop.token()));
  if (!report) return FailCommand(report.error(), options.common.json);
  if (options.common.json) {
    Json findings = Json::array();
    for (const Finding& finding : report->findings) findings.push_back(FindingJson(finding));
    Json document{{"ok", findings.empty()}, {"findings", findings}};
    if (options.repair) {
      document["repairs"] = Json::array();
      for (const Repair& repair : report->repairs) {
        document["repairs"].push_back(RepairJson(repair));
      }
    }
    PrintJson(document);
  } else {
    Print(*report, options);
  }
  return report->findings.empty() ? kDone : kCheckFailed;
}

}  // namespace

void AddFsckCommand(CommandSet& commands) {
  auto options = std::make_shared<FsckOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "fsck", "check database, objects and index against one another (exit 7: findings)");
  AddCommonOptions(*command, options->common, Place::kFolder);
  command->add_flag("--repair", options->repair,
                    "make again what was derived, remove what nothing refers to");
  command
      ->add_option("--orphan-age", options->orphan_age_s,
                   "seconds before an object without a row is no longer work in progress")
      ->check(CLI::Range(int64_t{0}, int64_t{31'536'000}))
      ->capture_default_str();
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
