// `search`: a query in, cited passages out.
#include <fmt/format.h>
#include <unistd.h>

#include <map>

#include "app/cli.hpp"
#include "app/work.hpp"
#include "index/embedder.hpp"
#include "jobs/changes.hpp"
#include "platform/inference/engine_client.hpp"
#include "search/searcher.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::seconds kSearchTimeout{30};

struct SearchOptions {
  CommonOptions common;
  std::string query;
  std::string mode = "hybrid";
  std::string language, source, video_id, date_from, date_to, cursor;
  uint32_t limit = search::kLimitDefault;
  uint32_t offset = 0;
};

Result<search::SearchRequest> RequestOf(const SearchOptions& options, const TenantId& tenant) {
  search::SearchRequest request;
  request.tenant = tenant;
  request.query = options.query;
  NRL_TRY(request.mode, search::ParseMode(options.mode));
  request.filter.language = options.language;
  request.filter.source = options.source;
  if (!options.video_id.empty()) {
    NRL_TRY(request.filter.video_id, VideoId::Parse(options.video_id));
  }
  if (!options.date_from.empty()) {
    NRL_TRY(request.filter.published_from, ParseRfc3339(options.date_from));
  }
  if (!options.date_to.empty()) {
    NRL_TRY(request.filter.published_until, ParseRfc3339(options.date_to));
  }
  request.limit = options.limit;
  request.offset = options.offset;
  request.cursor = options.cursor;
  return request;
}

// The words of found segments, one object a transcript.
class WordReader {
 public:
  explicit WordReader(Installation& store) : store_(store) {}

  Result<std::vector<search::SpokenWord>> operator()(const index::FoundSegment& found) {
    auto known = transcripts_.find(found.transcript_id.str());
    if (known == transcripts_.end()) {
      NRL_TRY(const auto transcript,
              access::Read(store_.database(), store_.scope(), [&](access::Tx& tx) {
                return transcript::CurrentTranscript(tx, found.video_id);
              }));
      if (transcript.id != found.transcript_id) return std::vector<search::SpokenWord>{};
      NRL_TRY(auto words, transcript::LoadWords(store_.objects(), transcript));
      known = transcripts_.emplace(found.transcript_id.str(), std::move(words)).first;
    }
    std::vector<search::SpokenWord> words;
    const auto index = static_cast<size_t>(found.segment.segment_index);
    if (index >= known->second.size()) return words;
    for (const transcript::Word& word : known->second[index]) {
      words.push_back({{word.start_ms, word.end_ms}, word.text});
    }
    return words;
  }

 private:
  Installation& store_;
  std::map<std::string, transcript::SegmentWords> transcripts_;
};

// Time since the oldest change that the index does not hold; nullopt when that cannot be told.
std::optional<int64_t> LagMs(Installation& store, int64_t as_of_seq) {
  const auto lag = access::Read(
      store.database(), access::SystemScope("search"), [&](access::Tx& tx) -> Result<int64_t> {
        NRL_TRY(const auto oldest, jobs::OldestChangeAfter(tx, as_of_seq));
        if (!oldest) return 0;
        return store.environment().clock.Now().value - oldest->value;
      });
  if (!lag) return std::nullopt;
  return std::max<int64_t>(*lag, 0);
}

// <mark> for people: bold on a terminal, [brackets] elsewhere.
std::string ForTerminal(std::string text) {
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  const std::pair<const char*, const char*> replacements[] = {
      {"<mark>", terminal ? "\x1b[1m" : "["},
      {"</mark>", terminal ? "\x1b[0m" : "]"},
      {"&lt;", "<"},
      {"&gt;", ">"},
      {"&quot;", "\""},
      {"&#39;", "'"},
      {"&amp;", "&"}};
  for (const auto& [from, to] : replacements) {
    const std::string_view find = from;
    for (size_t at = text.find(find); at != std::string::npos;
         at = text.find(find, at + std::string_view(to).size())) {
      text.replace(at, find.size(), to);
    }
  }
  return text;
}

void PrintForPeople(const search::SearchReply& reply) {
  for (const search::SearchHit& hit : reply.items) {
    std::string text = hit.found.segment.text;
    for (const search::Highlight& highlight : hit.highlights) {
      if (highlight.field == "text") text = ForTerminal(highlight.text);
    }
    const int64_t at_ms = hit.matched_words.empty() ? hit.found.segment.range.start_ms
                                                    : hit.matched_words[0].range.start_ms;
    fmt::print("{:>8}  {}  {}\n          {}\n", FormatOffset(at_ms), hit.found.title,
               hit.found.video_id.str(), text);
  }
  std::string legs;
  for (const search::Leg& leg : reply.legs) {
    legs += fmt::format(" · {} {}", leg.name,
                        leg.ran ? fmt::format("{} ms", leg.took_ms) : "did not run: " + leg.reason);
  }
  Note(fmt::format("{}{} passages{}{}", reply.total_is_exact ? "" : "at least ", reply.total, legs,
                   reply.degraded ? " · DEGRADED" : ""));
}

int Run(const SearchOptions& options) {
  SignalStop stop;
  auto opened = OpenInstallation(options.common, "search");
  if (!opened) return FailCommand(opened.error(), options.common.json);
  Installation& store = **opened;
  const auto request = RequestOf(options, store.scope().tenant);
  if (!request) return FailCommand(request.error(), options.common.json);
  std::optional<EngineSupervisor> engine;
  if (request->mode != search::Mode::kLexical) {
    engine.emplace(EngineOptions(store), store.log());
    const Status ready = engine->WaitReady(Deadline::Never(stop.token()));
    if (!ready) store.log().Error("searching without the engine", ready.error());
  }
  platform::EngineClient client(store.engine_socket());
  index::EngineEmbedder embedder(client, kEmbeddingModel);
  WordReader words(store);
  const search::Searcher searcher({store.index(), &embedder, std::ref(words),
                                   [&](int64_t as_of_seq) { return LagMs(store, as_of_seq); }});
  const auto reply = searcher.Search(*request, Deadline::In(kSearchTimeout, stop.token()));
  if (!reply) return FailCommand(reply.error(), options.common.json);
  if (options.common.json) {
    PrintJson(search::ToJson(*reply));
  } else {
    PrintForPeople(*reply);
  }
  return kDone;
}

}  // namespace

void AddSearchCommand(CommandSet& commands) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App* command = commands.app.add_subcommand("search", "find what was said, and when");
  AddCommonOptions(*command, options->common);
  command
      ->add_option("query", options->query,
                   "words, \"phrases\", AND OR NOT ( ), prefix*, lang: video: after: before:")
      ->required();
  command->add_option("--mode", options->mode, "lexical, semantic or hybrid")
      ->check(CLI::IsMember({"lexical", "semantic", "hybrid"}))
      ->capture_default_str();
  command->add_option("--language", options->language, "only segments in this language");
  command->add_option("--source", options->source, "upload, external_url or youtube");
  command->add_option("--video", options->video_id, "only this video");
  command->add_option("--date-from", options->date_from, "published on or after");
  command->add_option("--date-to", options->date_to, "published before");
  command->add_option("--limit", options->limit, "passages a page")
      ->check(CLI::Range(1U, search::kLimitMax))
      ->capture_default_str();
  command->add_option("--offset", options->offset, "passages to skip")
      ->check(CLI::Range(0U, search::kOffsetMax));
  command->add_option("--cursor", options->cursor, "next_cursor of an earlier reply");
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
