// `search`: a query in, cited passages out.
#include <fmt/format.h>
#include <unistd.h>

#include "app/backend.hpp"

namespace narralytica::app {
namespace {

struct SearchOptions {
  CommonOptions common;
  std::string query;
  std::string mode = "hybrid";
  std::string language, source, video_id, speaker_id, date_from, date_to, cursor;
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
  if (!options.speaker_id.empty()) {
    NRL_TRY(request.filter.speaker_id, SpeakerId::Parse(options.speaker_id));
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

// `reply` is the contract's.
void PrintForPeople(const Json& reply) {
  for (const Json& hit : reply.at("items")) {
    const Json& segment = hit.at("segment");
    std::string text = segment.at("text");
    for (const Json& highlight : hit.at("highlights")) {
      if (highlight.at("field") == "text") text = ForTerminal(highlight.at("text"));
    }
    const Json& words = hit.at("matched_words");
    const int64_t at_ms = (words.empty() ? segment : words[0]).at("start_ms");
    fmt::print("{:>8}  {}  {}\n          {}\n", FormatOffset(at_ms),
               hit.at("video").at("title").get<std::string>(),
               segment.at("video_id").get<std::string>(), text);
  }
  std::string legs;
  for (const Json& leg : reply.at("legs")) {
    legs += fmt::format(" · {} {}", leg.at("name").get<std::string>(),
                        leg.at("ran").get<bool>()
                            ? fmt::format("{} ms", leg.at("took_ms").get<int64_t>())
                            : "did not run: " + leg.at("reason").get<std::string>());
  }
  const Json& page = reply.at("page");
  const auto total = page.at("total").get<int64_t>();
  Note(fmt::format("{}{} passage{}{}{}", page.at("total_relation") == "eq" ? "" : "at least ",
                   total, total == 1 ? "" : "s", legs,
                   reply.at("degraded").get<bool>() ? " · DEGRADED" : ""));
}

int Run(const SearchOptions& options) {
  SignalStop stop;
  const auto request = RequestOf(options);
  if (!request) return FailCommand(request.error(), options.common.json);
  const auto backend = OpenBackend(options.common, "search", stop.token());
  if (!backend) return FailCommand(backend.error(), options.common.json);
  const auto reply = (*backend)->Search(*request);
  if (!reply) return FailCommand(reply.error(), options.common.json);
  if (options.common.json) {
    PrintJson(*reply);
  } else {
    PrintForPeople(*reply);
  }
  return kDone;
}

}  // namespace

void AddSearchCommand(CommandSet& commands) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App* command = commands.app.add_subcommand("search", "find what was said, and when");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
  command
      ->add_option(
          "query", options->query,
          "words, \"phrases\", AND OR NOT ( ), prefix*, lang: video: speaker: after: before:")
      ->required();
  command->add_option("--mode", options->mode, "lexical, semantic or hybrid")
      ->check(CLI::IsMember({"lexical", "semantic", "hybrid"}))
      ->capture_default_str();
  command->add_option("--language", options->language, "only segments in this language");
  command->add_option("--source", options->source, "upload, external_url or youtube");
  command->add_option("--video", options->video_id, "only this video");
  command->add_option("--speaker", options->speaker_id, "only this speaker, by id");
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
