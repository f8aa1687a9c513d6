// `search`: a query in, cited passages out.
#include <fmt/format.h>
#include <unistd.h>

#include "api/search_service.hpp"
#include "app/cli.hpp"
#include "app/work.hpp"
#include "index/embedder.hpp"
#include "platform/inference/engine_client.hpp"
#include "search/searcher.hpp"

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

Result<search::SearchRequest> RequestOf(const SearchOptions& options) {
  search::SearchRequest request;
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
  const auto request = RequestOf(options);
  if (!request) return FailCommand(request.error(), options.common.json);
  std::optional<EngineSupervisor> engine;
  if (request->mode != search::Mode::kLexical) {
    engine.emplace(EngineOptions(store), store.log());
    const Status ready = engine->WaitReady(Deadline::Never(stop.token()));
    if (!ready) store.log().Error("searching without the engine", ready.error());
  }
  platform::EngineClient client(store.engine_socket());
  index::EngineEmbedder embedder(client, kEmbeddingModel);
  const auto reply = api::RunSearch(
      {store.database(), store.objects(), store.index(), embedder, store.environment()},
      store.scope(), *request, Deadline::In(kSearchTimeout, stop.token()));
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
