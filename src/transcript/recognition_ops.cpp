#include "transcript/recognition_ops.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "transcript/compute_slots.hpp"
#include "transcript/model_folder.hpp"
#include "transcript/recognition_wire.hpp"
#include "transcript/sherpa_model.hpp"
#include "transcript/whisper_recognition.hpp"

namespace narralytica::transcript {
namespace {

using platform::EngineLane;
using platform::EngineReply;
using platform::EngineRequest;
using Json = nlohmann::json;

constexpr const char* kVad = "silero-vad";
constexpr float kFullScale = 32768.0f;

// Models by id, opened once, on first use. Thread-safe.
template <typename Model>
class ModelShelf {
 public:
  template <typename Open>
  Result<Model*> Get(const std::string& id, Open open) {
    const std::lock_guard lock(mutex_);
    auto& place = models_[id];
    if (!place) {
      NRL_TRY(place, open());
    }
    return place.get();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Model>> models_;
};

struct OpenWhisper {
  std::unique_ptr<WhisperModel> model;
  std::unique_ptr<WhisperRecognition> recognition;
};

// Ids become folder names: nothing but letters, digits and hyphens.
bool IsModelId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::vector<float> ToFloat(std::span<const int16_t> samples) {
  std::vector<float> floats(samples.size());
  std::ranges::transform(samples, floats.begin(), [](int16_t s) { return float(s) / kFullScale; });
  return floats;
}

class RecognitionOps {
 public:
  RecognitionOps(platform::EngineServer& server, std::shared_ptr<const platform::Runtime> runtime,
                 RecognitionOptions options)
      : server_(server),
        runtime_(std::move(runtime)),
        options_(std::move(options)),
        slots_(options_.threads) {}

  Result<EngineReply> Vad(const EngineRequest& request) {
    NRL_TRY(auto unpacked, UnpackVadRequest(request.payload));
    auto& [state, samples] = unpacked;
    NRL_TRY(const std::string dir, ModelDir(kVad));
    const auto open = [&]() -> Result<std::unique_ptr<VadModel>> {
      NRL_TRY(auto opened, VadModel::Open(runtime_, dir));
      NRL_CHECK(Note(dir, "vad"));
      return opened;
    };
    NRL_TRY(const VadModel* model, vad_.Get(kVad, open));
    NRL_TRY(const auto probabilities, model->Run(samples, state));
    return EngineReply{{{"frames", probabilities.size()}}, PackVadReply(state, probabilities)};
  }

  Result<EngineReply> Describe(const EngineRequest& request) {
    const std::string id = request.body.at("model");
    NRL_TRY(const std::string dir, ModelDir(id));
    NRL_TRY(const ModelFacts facts, ReadModelFacts(dir));
    NRL_CHECK(FitsEngine(dir, options_.memory_bytes_max));
    const bool sherpa = SherpaModel::IsIn(dir);
    NRL_TRY(const bool speaks, Knows(id, dir, request.body.at("language")));
    if (!speaks) {
      return Fail(ErrorCode::kInvalid, "model " + id + " does not know that language",
                  "leave the language out, or choose another model");
    }
    return EngineReply{{{"engine", sherpa ? "sherpa-onnx" : "whisper"},
                        {"model", facts.id},
                        {"model_hash", facts.hash},
                        {"word_times", sherpa ? "estimated" : "aligned"}},
                       {}};
  }

  // Whether a model can be told to write that language ("" or "auto": to find it out).
  static Result<bool> Knows(const std::string& id, const std::string& dir,
                            const std::string& language) {
    if (language.empty() || language == "auto") return true;
    if (SherpaModel::IsIn(dir)) return language == "en" || !id.ends_with("-en");
    NRL_TRY(const WhisperConfig config, WhisperConfig::Load(dir));
    if (!config.multilingual) return language == "en";
    return std::ranges::any_of(config.languages,
                               [&](const auto& known) { return known.first == language; });
  }

  Result<EngineReply> Transcribe(const EngineRequest& request) {
    NRL_TRY(const auto batch, UnpackTranscribe(request.body, request.payload));
    NRL_TRY(const OpenWhisper* whisper, Whisper(batch.model));
    std::vector<WhisperWindow> windows;
    windows.reserve(batch.windows.size());
    for (const auto& window : batch.windows) {
      windows.push_back({ToFloat(window.samples), window.speech});
    }
    NRL_TRY(const auto recognized, whisper->recognition->Recognize(
                                       windows, {batch.language, batch.prior}, request.deadline));
    return EngineReply{{{"windows", recognized}}, {}};
  }

  Result<EngineReply> TranscribeSherpa(const EngineRequest& request) {
    NRL_TRY(const auto batch, UnpackTranscribe(request.body, request.payload));
    NRL_TRY(const std::string dir, ModelDir(batch.model));
    const auto open = [&]() -> Result<std::unique_ptr<SherpaModel>> {
      NRL_TRY(auto opened, SherpaModel::Open(options_.sherpa_library, dir));
      NRL_CHECK(Note(dir, "recognition"));
      return opened;
    };
    NRL_TRY(const SherpaModel* model, sherpa_.Get(batch.model, open));
    std::vector<RecognizedWindow> recognized;
    const ComputeSlots::Hold hold(slots_);
    for (const auto& window : batch.windows) {
      NRL_CHECK(request.deadline.Check("recognition"));
      NRL_TRY(auto one, model->Recognize(ToFloat(window.samples), window.speech));
      recognized.push_back(std::move(one));
    }
    return EngineReply{{{"windows", recognized}}, {}};
  }

 private:
  Result<std::string> ModelDir(const std::string& id) const {
    const auto dir = std::filesystem::path(options_.models_dir) / id;
    std::error_code missing;
    if (!IsModelId(id) || !std::filesystem::is_directory(dir, missing)) {
      return Fail(ErrorCode::kNotFound, fmt::format("model '{}' is not installed", id),
                  "`narralytica models` lists what is; `make models` fetches them");
    }
    return dir.string();
  }

  Result<OpenWhisper*> Whisper(const std::string& id) {
    NRL_TRY(const std::string dir, ModelDir(id));
    return whisper_.Get(id, [&]() -> Result<std::unique_ptr<OpenWhisper>> {
      NRL_TRY(auto model, WhisperModel::Open(runtime_, dir));
      auto recognition = std::make_unique<WhisperRecognition>(*model, slots_);
      NRL_CHECK(Note(dir, "recognition"));
      return std::make_unique<OpenWhisper>(std::move(model), std::move(recognition));
    });
  }

  Status Note(const std::string& dir, std::string task) {
    NRL_TRY(const ModelFacts facts, ReadModelFacts(dir));
    server_.NoteModel({facts.id, facts.hash, std::move(task)});
    return {};
  }

  platform::EngineServer& server_;
  std::shared_ptr<const platform::Runtime> runtime_;
  const RecognitionOptions options_;
  ComputeSlots slots_;
  ModelShelf<VadModel> vad_;
  ModelShelf<OpenWhisper> whisper_;
  ModelShelf<SherpaModel> sherpa_;
};

}  // namespace

void RegisterRecognition(platform::EngineServer& server,
                         std::shared_ptr<const platform::Runtime> runtime,
                         RecognitionOptions options) {
  server.NoteVersion("onnxruntime", runtime->version());
  auto ops = std::make_shared<RecognitionOps>(server, std::move(runtime), std::move(options));
  const auto add = [&](const char* op, EngineLane lane, auto method) {
    server.Register(op, lane, [ops, method](const EngineRequest& request) {
      return ((*ops).*method)(request);
    });
  };
  add("vad", EngineLane::kBatch, &RecognitionOps::Vad);
  add("describe_recognizer", EngineLane::kInteractive, &RecognitionOps::Describe);
  add("transcribe", EngineLane::kBatch, &RecognitionOps::Transcribe);
  add("transcribe_sherpa", EngineLane::kBatch, &RecognitionOps::TranscribeSherpa);
}

}  // namespace narralytica::transcript
