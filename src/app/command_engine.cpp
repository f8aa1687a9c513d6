// `engine`: the process that loads models. Started by `work` and `up`; rarely by hand.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "app/cli.hpp"
#include "index/sentence_encoder.hpp"
#include "platform/file.hpp"
#include "platform/inference/engine_server.hpp"
#include "platform/inference/runtime.hpp"
#include "speakers/voice_ops.hpp"
#include "transcript/recognition_ops.hpp"

namespace narralytica::app {
namespace {

constexpr int kLargeBytes = 1 << 20;

// The kernel holds the engine to its ceiling, so that it takes no memory from others: what does not
// fit fails as an error of one request. Counted is what is written to, not the files that are
// mapped.
Status LimitMemory(int64_t bytes) {
  // Large buffers go back to the kernel when they are freed, so that the ceiling is for what is in
  // use; glibc would raise this bound with every one of them.
  mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  const auto most = static_cast<rlim_t>(bytes);
  const rlimit limit{most, most};
  if (setrlimit(RLIMIT_DATA, &limit) == 0) return {};
  return Fail(ErrorCode::kUnavailable, "the engine's memory cannot be limited",
              "give engine.memory_bytes_max a smaller value", std::strerror(errno));
}

Status Serve(const CommonOptions& options, const std::stop_token& stop) {
  NRL_TRY(const Config config, Config::Load(options.data_folder, options.settings));
  NRL_TRY(const platform::LogLevel level, platform::ParseLogLevel(config.log_level));
  const auto log = platform::Logger::ToStderr("engine", level);
  NRL_CHECK(platform::CreateFolders(options.data_folder + "/run"));
  NRL_TRY(const std::string socket, EngineSocketPath(options.data_folder));
  NRL_CHECK(LimitMemory(config.engine.memory_bytes_max));
  platform::EngineServerOptions server_options;
  server_options.socket_path = socket;
  server_options.memory_bytes_max = static_cast<uint64_t>(config.engine.memory_bytes_max);
  NRL_TRY(auto server, platform::EngineServer::Create(server_options, SystemEnvironment().clock));
  const int threads = config.engine.threads > 0
                          ? config.engine.threads
                          : static_cast<int>(std::thread::hardware_concurrency());
  const std::string libraries = RuntimeFolder(config.engine);
  NRL_TRY(auto runtime, platform::Runtime::Load(libraries + "/libonnxruntime.so"));
  transcript::RegisterRecognition(
      *server, runtime,
      {ModelsFolder(config.engine), libraries + "/libsherpa-onnx-c-api.so", threads,
       static_cast<uint64_t>(config.engine.memory_bytes_max)});
  speakers::RegisterVoices(*server, runtime, {ModelsFolder(config.engine), threads});
  index::RegisterSentenceEncoder(*server, runtime, {ModelsFolder(config.engine), threads});
  log.Info("engine ready", {{"socket", socket}, {"threads", threads}});
  return server->Serve(Deadline::Never(stop));
}

}  // namespace

void AddEngineCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "engine", "run the inference engine of a data folder (work and up start it themselves)");
  AddCommonOptions(*command, *options, Place::kFolder);
  command->callback([&commands, options] {
    SignalStop stop;
    const Status status = Serve(*options, stop.token());
    commands.exit_code = status ? kDone : FailCommand(status.error(), options->json);
  });
}

}  // namespace narralytica::app
