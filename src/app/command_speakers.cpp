// `speakers`: who speaks in a video, how long and when.
#include <fmt/format.h>

#include <algorithm>

#include "app/backend.hpp"

namespace narralytica::app {
namespace {

struct SpeakersOptions {
  CommonOptions common;
  std::string video;
  std::string format;  // "" is a table, or json with --json
};

// A table; `document` is the contract's.
void PrintForPeople(const Json& document) {
  if (document.at("diarization").is_null()) {
    Note("nobody was told apart yet; narralytica jobs shows how far the recording is");
    return;
  }
  int64_t total_ms = 0;
  for (const Json& speaker : document.at("speakers")) {
    total_ms += speaker.at("speech_ms").get<int64_t>();
  }
  for (const Json& speaker : document.at("speakers")) {
    const auto speech_ms = speaker.at("speech_ms").get<int64_t>();
    const Json& name = speaker.at("name");
    fmt::print("{}  {:<12}  {:<20}  {:>8}  {:>4.0f} %  {:>5} turns\n",
               speaker.at("speaker_id").get<std::string>(), speaker.at("label").get<std::string>(),
               name.is_null() ? "-" : name.get<std::string>(), FormatOffset(speech_ms),
               100.0 * static_cast<double>(speech_ms) /
                   static_cast<double>(std::max<int64_t>(total_ms, 1)),
               speaker.at("turns_count").get<int64_t>());
  }
}

int Run(const SpeakersOptions& options) {
  SignalStop stop;
  const bool json = options.common.json || options.format == "json";
  const auto video = VideoId::Parse(options.video);
  if (!video) return FailCommand(video.error(), json);
  const auto backend = OpenBackend(options.common, "speakers", stop.token());
  if (!backend) return FailCommand(backend.error(), json);
  if (options.format == "rttm") {
    const auto rttm = (*backend)->SpeakersRttm(*video);
    if (!rttm) return FailCommand(rttm.error(), json);
    fmt::print("{}", *rttm);
    return kDone;
  }
  const auto speakers = (*backend)->Speakers(*video);
  if (!speakers) return FailCommand(speakers.error(), json);
  if (json) {
    PrintJson(*speakers);
  } else {
    PrintForPeople(*speakers);
  }
  return kDone;
}

}  // namespace

void AddSpeakersCommand(CommandSet& commands) {
  auto options = std::make_shared<SpeakersOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "speakers", "who speaks in a video, how long and when (exit 4: there is no such video)");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
  command->add_option("video", options->video, "id of a video")->required();
  command->add_option("--format", options->format, "json or rttm; a table for people without it")
      ->check(CLI::IsMember({"json", "rttm"}));
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
