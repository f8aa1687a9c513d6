// `transcript`: prints what was said. `export`: writes everything of a video to a folder.
#include <fmt/format.h>

#include <map>

#include "app/backend.hpp"
#include "platform/file.hpp"

namespace narralytica::app {
namespace {

const std::vector<std::string>& Formats() {
  static const std::vector<std::string> formats{"json", "srt", "vtt", "txt"};
  return formats;
}

struct TranscriptOptions {
  CommonOptions common;
  std::string video;
  std::string format;  // "" is txt, or json with --json
};

struct ExportOptions {
  CommonOptions common;
  std::string video;
  std::string folder;
};

int PrintTranscript(const TranscriptOptions& options) {
  SignalStop stop;
  const bool json = options.common.json || options.format == "json";
  const auto video = VideoId::Parse(options.video);
  if (!video) return FailCommand(video.error(), json);
  const auto backend = OpenBackend(options.common, "transcript", stop.token());
  if (!backend) return FailCommand(backend.error(), json);
  const std::string format =
      options.format.empty() ? (options.common.json ? "json" : "txt") : options.format;
  const auto transcript = (*backend)->Transcript(*video, format);
  if (!transcript) return FailCommand(transcript.error(), json);
  fmt::print("{}", *transcript);
  return kDone;
}

// Who speaks, in both forms.
Status ExportSpeakers(Backend& backend, const VideoId& video, const std::string& folder,
                      Json& files) {
  NRL_TRY(const Json speakers, backend.Speakers(video));
  NRL_TRY(const std::string rttm, backend.SpeakersRttm(video));
  const std::pair<const char*, std::string> written[] = {
      {"speakers.json", speakers.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"},
      {"speakers.rttm", rttm}};
  for (const auto& [name, text] : written) {
    const std::string path = fmt::format("{}/{}", folder, name);
    NRL_CHECK(platform::WriteFileAtomically(path, std::string_view(text)));
    files.push_back(path);
  }
  return {};
}

Result<Json> Export(Backend& backend, const VideoId& video, const std::string& folder) {
  NRL_TRY(const Json found, backend.Video(video));
  const Json& artifacts = found.at("artifacts");
  Json files = Json::array();
  for (const std::string& format : Formats()) {
    NRL_TRY(const std::string transcript, backend.Transcript(video, format));
    NRL_CHECK(platform::CreateFolders(folder));
    const std::string path = fmt::format("{}/transcript.{}", folder, format);
    NRL_CHECK(platform::WriteFileAtomically(path, std::string_view(transcript)));
    files.push_back(path);
  }
  NRL_CHECK(ExportSpeakers(backend, video, folder, files));
  const std::map<std::string, std::string> names{{"audio", "audio.flac"},
                                                 {"playback", "playback.webm"},
                                                 {"waveform", "waveform.json"},
                                                 {"poster", "poster.jpg"}};
  for (const Json& artifact : artifacts) {
    const std::string kind = artifact.at("kind");
    const auto name = names.find(kind);
    if (name == names.end()) continue;
    const std::string path = fmt::format("{}/{}", folder, name->second);
    NRL_CHECK(backend.SaveArtifact(video, kind, path));
    files.push_back(path);
  }
  return Json{{"video_id", video.str()}, {"files", std::move(files)}};
}

int RunExport(const ExportOptions& options) {
  SignalStop stop;
  const auto video = VideoId::Parse(options.video);
  if (!video) return FailCommand(video.error(), options.common.json);
  const auto backend = OpenBackend(options.common, "export", stop.token());
  if (!backend) return FailCommand(backend.error(), options.common.json);
  const auto done = Export(**backend, *video, options.folder);
  if (!done) return FailCommand(done.error(), options.common.json);
  if (options.common.json) {
    PrintJson(*done);
  } else {
    for (const auto& file : (*done)["files"]) fmt::print("{}\n", file.get<std::string>());
  }
  return kDone;
}

}  // namespace

void AddTranscriptCommand(CommandSet& commands) {
  auto options = std::make_shared<TranscriptOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "transcript", "print the transcript of a video (exit 4: there is none)");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
  command->add_option("video", options->video, "id of a video")->required();
  command->add_option("--format", options->format, "json, srt, vtt or txt")
      ->check(CLI::IsMember(Formats()));
  command->callback([&commands, options] { commands.exit_code = PrintTranscript(*options); });
}

void AddExportCommand(CommandSet& commands) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "export",
      "write a video's transcript in every format, its speakers, sound, peaks and poster");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
  command->add_option("video", options->video, "id of a video")->required();
  command->add_option("folder", options->folder, "where to; created if needed")->required();
  command->callback([&commands, options] { commands.exit_code = RunExport(*options); });
}

}  // namespace narralytica::app
