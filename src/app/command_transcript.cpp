// `transcript`: prints what was said. `export`: writes everything of a video to a folder.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "api/transcript_view.hpp"
#include "app/cli.hpp"
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

Result<api::LoadedTranscript> LoadCurrent(Installation& store, const VideoId& video) {
  return api::LoadTranscript({store.database(), store.objects()}, store.scope(), video);
}

int PrintTranscript(const TranscriptOptions& options) {
  const bool json = options.common.json || options.format == "json";
  auto store = OpenInstallation(options.common, "transcript");
  if (!store) return FailCommand(store.error(), json);
  const auto video = VideoId::Parse(options.video);
  if (!video) return FailCommand(video.error(), json);
  const auto loaded = LoadCurrent(**store, *video);
  if (!loaded) return FailCommand(loaded.error(), json);
  const std::string format =
      options.format.empty() ? (options.common.json ? "json" : "txt") : options.format;
  fmt::print("{}", api::FormatTranscript(*loaded, format));
  return kDone;
}

// Copies an object's content to a file beside its final name, then renames.
Status WriteObject(Installation& store, const std::string& key, const std::string& path) {
  NRL_CHECK(store.objects().Verify(key));
  NRL_TRY(const platform::LocalObject object, store.objects().Locate(key));
  std::ifstream input(object.path, std::ios::binary);
  input.seekg(object.offset_bytes);
  const std::string partial = path + ".partial";
  std::ofstream output(partial, std::ios::binary);
  output << input.rdbuf();
  output.close();
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (!output || error) {
    return Fail(ErrorCode::kUnavailable, fmt::format("{} cannot be written", path),
                "check the permissions and the space of that folder");
  }
  return {};
}

Result<Json> Export(Installation& store, const ExportOptions& options) {
  NRL_TRY(const VideoId video, VideoId::Parse(options.video));
  NRL_TRY(const api::LoadedTranscript loaded, LoadCurrent(store, video));
  NRL_CHECK(platform::CreateFolders(options.folder));
  Json files = Json::array();
  for (const std::string& format : Formats()) {
    const std::string path = options.folder + "/transcript." + format;
    NRL_CHECK(platform::WriteFileAtomically(
        path, std::string_view(api::FormatTranscript(loaded, format))));
    files.push_back(path);
  }
  NRL_TRY(const auto artifacts, access::Read(store.database(), store.scope(), [&](access::Tx& tx) {
            return media::ArtifactsOf(tx, video);
          }));
  const std::map<std::string, std::string> names{{"audio", "audio.flac"},
                                                 {"playback", "playback.webm"},
                                                 {"waveform", "waveform.json"},
                                                 {"poster", "poster.jpg"}};
  for (const media::Artifact& artifact : artifacts) {
    const auto name = names.find(artifact.kind);
    if (name == names.end()) continue;
    const std::string path = options.folder + "/" + name->second;
    NRL_CHECK(WriteObject(store, artifact.object.key, path));
    files.push_back(path);
  }
  return Json{{"video_id", video.str()}, {"files", std::move(files)}};
}

int RunExport(const ExportOptions& options) {
  auto store = OpenInstallation(options.common, "export");
  if (!store) return FailCommand(store.error(), options.common.json);
  const auto done = Export(**store, options);
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
  AddCommonOptions(*command, options->common);
  command->add_option("video", options->video, "id of a video")->required();
  command->add_option("--format", options->format, "json, srt, vtt or txt")
      ->check(CLI::IsMember(Formats()));
  command->callback([&commands, options] { commands.exit_code = PrintTranscript(*options); });
}

void AddExportCommand(CommandSet& commands) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "export", "write a video's transcript in every format, its sound, peaks and poster");
  AddCommonOptions(*command, options->common);
  command->add_option("video", options->video, "id of a video")->required();
  command->add_option("folder", options->folder, "where to; created if needed")->required();
  command->callback([&commands, options] { commands.exit_code = RunExport(*options); });
}

}  // namespace narralytica::app
