#include "speakers/voice_ops.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <mutex>

#include "speakers/voice_model.hpp"
#include "transcript/model_folder.hpp"

namespace narralytica::speakers {
namespace {

using platform::EngineLane;
using platform::EngineReply;
using platform::EngineRequest;

constexpr const char* kModel = "community-1";  // the only kind that there is

class VoiceOps {
 public:
  VoiceOps(platform::EngineServer& server, std::shared_ptr<const platform::Runtime> runtime,
           VoiceOptions options)
      : server_(server),
        runtime_(std::move(runtime)),
        options_(std::move(options)),
        slots_(options_.threads) {}

  Result<EngineReply> Describe(const EngineRequest& request) {
    NRL_TRY(const std::string dir, ModelDir(request));
    NRL_TRY(const auto facts, transcript::ReadModelFacts(dir));
    return EngineReply{{{"model", facts.id}, {"model_hash", facts.hash}}, {}};
  }

  Result<EngineReply> Hear(const EngineRequest& request) {
    NRL_TRY(const VoiceModel* model, Model(request));
    NRL_TRY(const VoiceRequest wanted, UnpackVoiceRequest(request.payload));
    const transcript::ComputeSlots::Hold hold(slots_);
    NRL_TRY(const VoiceChunk heard, model->Hear(wanted, slots_, request.deadline));
    return EngineReply{{{"windows", heard.windows.size()}}, PackVoiceChunk(heard)};
  }

 private:
  Result<std::string> ModelDir(const EngineRequest& request) const {
    const std::string id = request.body.at("model");
    const auto dir = std::filesystem::path(options_.models_dir) / kModel;
    std::error_code missing;
    if (id != kModel || !std::filesystem::is_directory(dir, missing)) {
      return Fail(ErrorCode::kNotFound, fmt::format("voice model '{}' is not installed", id),
                  "`narralytica models` lists what is; `make models` fetches them");
    }
    return dir.string();
  }

  Result<VoiceModel*> Model(const EngineRequest& request) {
    const std::lock_guard lock(mutex_);
    if (!model_) {
      NRL_TRY(const std::string dir, ModelDir(request));
      NRL_TRY(const auto facts, transcript::ReadModelFacts(dir));
      NRL_TRY(model_, VoiceModel::Open(runtime_, dir));
      server_.NoteModel({facts.id, facts.hash, "diarization"});
    }
    return model_.get();
  }

  platform::EngineServer& server_;
  std::shared_ptr<const platform::Runtime> runtime_;
  const VoiceOptions options_;
  transcript::ComputeSlots slots_;
  std::mutex mutex_;
  std::unique_ptr<VoiceModel> model_;
};

}  // namespace

void RegisterVoices(platform::EngineServer& server,
                    std::shared_ptr<const platform::Runtime> runtime, VoiceOptions options) {
  auto ops = std::make_shared<VoiceOps>(server, std::move(runtime), std::move(options));
  server.Register("describe_voices", EngineLane::kInteractive,
                  [ops](const EngineRequest& request) { return ops->Describe(request); });
  server.Register("hear_voices", EngineLane::kBatch,
                  [ops](const EngineRequest& request) { return ops->Hear(request); });
}

}  // namespace narralytica::speakers
