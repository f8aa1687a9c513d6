// media_tool PROGRAM FOLDER [LIMIT=VALUE ...]: prepares recordings as the worker does it, each in a
// process of its own that is metered and that may crash.
//
// Reads paths from standard input, one a line, and answers each with a line of JSON: {path, exit,
// wall_ms, cpu_ms, rss_bytes_max, output_bytes} and what the preparation gave: {duration_ms,
// envelope, warnings, container} or {code, reason, message, hint, cause}. `envelope` is the
// loudness of every 20 ms of the prepared sound, as integers. PROGRAM is the binary with the
// `media` command.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "media/media_service.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kTimeout{60};
constexpr int64_t kWindowSamples = 320;

Result<json> Envelope(const MediaService& service, const PreparedMedia& prepared) {
  json envelope = json::array();
  double squares = 0;
  int64_t count = 0;
  const auto add = [&](std::span<const int16_t> samples) -> Status {
    for (const int16_t sample : samples) {
      squares += static_cast<double>(sample) * sample;
      if (++count % kWindowSamples != 0) continue;
      envelope.push_back(std::lround(std::sqrt(squares / kWindowSamples)));
      squares = 0;
    }
    return {};
  };
  NRL_CHECK(service.StreamPcm({.path = prepared.audio_path, .range = {0, prepared.duration_ms + 1}},
                              Deadline::In(kTimeout), add));
  return envelope;
}

int64_t BytesIn(const std::string& folder) {
  int64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    bytes += static_cast<int64_t>(entry.file_size());
  }
  return bytes;
}

Result<json> Prepare(const MediaService& service, const std::string& path,
                     const std::string& folder) {
  NRL_TRY(const PreparedMedia prepared,
          service.Prepare({.input_path = path, .output_dir = folder}, Deadline::In(kTimeout)));
  json answer{{"duration_ms", prepared.duration_ms},
              {"container", prepared.info.container},
              {"warnings", prepared.warnings},
              {"child_cpu_ms", prepared.usage.cpu_ms},
              {"child_rss_bytes_max", prepared.usage.rss_bytes_max},
              {"output_bytes", BytesIn(folder)}};
  NRL_TRY(answer["envelope"], Envelope(service, prepared));
  return answer;
}

json ErrorJson(const Error& error) {
  return {{"code", ToString(error.code)},
          {"reason", error.reason},
          {"message", error.message},
          {"hint", error.hint},
          {"cause", error.cause}};
}

[[noreturn]] void PrepareAndExit(const MediaService& service, const std::string& path,
                                 const std::string& root, int output) {
  {
    const auto folder = platform::TemporaryFolder::Create(root, "prepared");
    if (!folder) _exit(3);
    const Result<json> answer = Prepare(service, path, folder->path());
    json report = answer ? *answer : ErrorJson(answer.error());
    report["left_bytes"] = answer ? 0 : BytesIn(folder->path());
    const std::string text = report.dump(-1, ' ', false, json::error_handler_t::replace);
    for (size_t done = 0; done < text.size();) {
      const ssize_t wrote = write(output, text.data() + done, text.size() - done);
      if (wrote <= 0) _exit(4);
      done += static_cast<size_t>(wrote);
    }
  }
  _exit(0);
}

json Run(const MediaService& service, const std::string& path, const std::string& root) {
  auto pipe = platform::Pipe::Create();
  if (!pipe) return {{"path", path}, {"exit", "no pipe"}};
  const auto start = std::chrono::steady_clock::now();
  const pid_t pid = fork();
  if (pid == 0) PrepareAndExit(service, path, root, pipe->write_end.get());
  pipe->write_end.Close();
  std::string text;
  char buffer[65'536];
  for (ssize_t got; (got = read(pipe->read_end.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  int status = 0;
  rusage usage{};
  wait4(pid, &status, 0, &usage);
  json report = json::parse(text, nullptr, false);
  if (!report.is_object()) report = json::object();
  const auto wall = std::chrono::steady_clock::now() - start;
  report["path"] = path;
  report["exit"] = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                       : fmt::format("{}", WEXITSTATUS(status));
  report["wall_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count();
  report["cpu_ms"] = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000 +
                     (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1'000;
  report["rss_bytes_max"] = usage.ru_maxrss * 1'024;
  return report;
}

bool SetLimit(MediaLimits& limits, const std::string& setting) {
  const std::map<std::string, int64_t MediaLimits::*> fields{
      {"decoded_duration_ms_max", &MediaLimits::decoded_duration_ms_max},
      {"output_bytes_max", &MediaLimits::output_bytes_max},
      {"memory_bytes_max", &MediaLimits::memory_bytes_max},
      {"cpu_seconds_base", &MediaLimits::cpu_seconds_base},
      {"cpu_seconds_max", &MediaLimits::cpu_seconds_max}};
  const size_t equals = setting.find('=');
  const auto field = fields.find(setting.substr(0, equals));
  if (equals == std::string::npos || field == fields.end()) return false;
  limits.*field->second = std::stoll(setting.substr(equals + 1));
  return true;
}

int Main(const std::vector<std::string>& arguments) {
  MediaServiceOptions options;
  options.program = arguments.at(1);
  for (size_t i = 3; i < arguments.size(); ++i) {
    if (!SetLimit(options.limits, arguments[i])) {
      fmt::print(stderr, "media_tool: not a limit: {}\n", arguments[i]);
      return 2;
    }
  }
  const auto service = MediaService::Create(options, Deadline::In(kTimeout));
  if (!service) {
    fmt::print(stderr, "media_tool: {}: {}\n", service.error().Describe(), service.error().cause);
    return 1;
  }
  fmt::print(stderr, "media_tool: {}\n", platform::ToString(service->sandbox()));
  for (std::string path; std::getline(std::cin, path);) {
    const json report = Run(*service, path, arguments.at(2));
    std::cout << report.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace narralytica::media

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: media_tool PROGRAM FOLDER [LIMIT=VALUE ...] < PATHS\n");
    return 2;
  }
  return narralytica::media::Main({argv, argv + argc});
}
