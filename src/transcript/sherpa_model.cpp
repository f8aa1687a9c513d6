#include "transcript/sherpa_model.hpp"

#include <dlfcn.h>
#include <sherpa-onnx/c-api/c-api.h>

#include <filesystem>
#include <sstream>

namespace narralytica::transcript {
namespace {

constexpr const char* kEncoder = "encoder_model.ort";
constexpr const char* kDecoder = "decoder_model_merged.ort";
constexpr const char* kTokens = "tokens.txt";

// The functions of the C API that are used here.
struct Api {
  decltype(&SherpaOnnxCreateOfflineRecognizer) create_recognizer;
  decltype(&SherpaOnnxDestroyOfflineRecognizer) destroy_recognizer;
  decltype(&SherpaOnnxCreateOfflineStream) create_stream;
  decltype(&SherpaOnnxDestroyOfflineStream) destroy_stream;
  decltype(&SherpaOnnxAcceptWaveformOffline) accept;
  decltype(&SherpaOnnxDecodeOfflineStream) decode;
  decltype(&SherpaOnnxGetOfflineStreamResult) result;
  decltype(&SherpaOnnxDestroyOfflineRecognizerResult) destroy_result;
};

template <typename Function>
bool Find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

Result<Api> LoadApi(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  Api api{};
  const bool complete =
      library != nullptr &&
      Find(library, "SherpaOnnxCreateOfflineRecognizer", api.create_recognizer) &&
      Find(library, "SherpaOnnxDestroyOfflineRecognizer", api.destroy_recognizer) &&
      Find(library, "SherpaOnnxCreateOfflineStream", api.create_stream) &&
      Find(library, "SherpaOnnxDestroyOfflineStream", api.destroy_stream) &&
      Find(library, "SherpaOnnxAcceptWaveformOffline", api.accept) &&
      Find(library, "SherpaOnnxDecodeOfflineStream", api.decode) &&
      Find(library, "SherpaOnnxGetOfflineStreamResult", api.result) &&
      Find(library, "SherpaOnnxDestroyOfflineRecognizerResult", api.destroy_result);
  if (!complete) {
    const char* cause = dlerror();
    return Fail(ErrorCode::kUnavailable, "the sherpa-onnx library cannot be loaded",
                "run `make models` to fetch it", cause == nullptr ? "" : cause);
  }
  return api;
}

}  // namespace

struct SherpaModel::Impl {
  Api api{};
  const SherpaOnnxOfflineRecognizer* recognizer = nullptr;

  ~Impl() {
    if (recognizer != nullptr) api.destroy_recognizer(recognizer);
  }
};

SherpaModel::SherpaModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SherpaModel::~SherpaModel() = default;

bool SherpaModel::IsIn(const std::string& model_dir) {
  std::error_code missing;
  return std::filesystem::is_regular_file(std::filesystem::path(model_dir) / kTokens, missing);
}

Result<std::unique_ptr<SherpaModel>> SherpaModel::Open(const std::string& library_path,
                                                       const std::string& model_dir) {
  const std::filesystem::path dir(model_dir);
  for (const char* name : {kEncoder, kDecoder, kTokens}) {
    std::error_code missing;
    if (std::filesystem::is_regular_file(dir / name, missing)) continue;
    return Fail(ErrorCode::kCorrupt, std::string("a recognition model lacks its file ") + name,
                "run `make models` to fetch it again", model_dir);
  }
  auto impl = std::make_unique<Impl>();
  NRL_TRY(impl->api, LoadApi(library_path));
  const std::string encoder = dir / kEncoder;
  const std::string decoder = dir / kDecoder;
  const std::string tokens = dir / kTokens;
  SherpaOnnxOfflineRecognizerConfig config{};
  config.feat_config = {int32_t(kSampleRate), 80};
  config.model_config.moonshine.encoder = encoder.c_str();
  config.model_config.moonshine.merged_decoder = decoder.c_str();
  config.model_config.tokens = tokens.c_str();
  config.model_config.num_threads = 1;
  config.model_config.provider = "cpu";
  config.decoding_method = "greedy_search";
  impl->recognizer = impl->api.create_recognizer(&config);
  if (impl->recognizer == nullptr) {
    return Fail(ErrorCode::kCorrupt, "a recognition model cannot be opened",
                "run `make models` to fetch it again", model_dir);
  }
  return std::unique_ptr<SherpaModel>(new SherpaModel(std::move(impl)));
}

Result<RecognizedWindow> SherpaModel::Recognize(std::span<const float> samples,
                                                std::span<const TimeRange> speech) const {
  const Api& api = impl_->api;
  const SherpaOnnxOfflineStream* stream = api.create_stream(impl_->recognizer);
  api.accept(stream, int32_t(kSampleRate), samples.data(), int32_t(samples.size()));
  api.decode(impl_->recognizer, stream);
  RecognizedWindow window;
  window.language = "en";
  window.language_probability = 1;
  if (const auto* result = api.result(stream); result != nullptr) {
    window.words = SpreadWords(result->text, speech);
    api.destroy_result(result);
  }
  api.destroy_stream(stream);
  return window;
}

std::vector<Word> SpreadWords(const std::string& text, std::span<const TimeRange> speech) {
  std::istringstream stream(text);
  std::vector<std::string> pieces;
  size_t total = 0;
  for (std::string piece; stream >> piece; total += piece.size()) pieces.push_back(piece);
  int64_t speech_ms = 0;
  for (const TimeRange& range : speech) speech_ms += range.duration_ms();
  std::vector<Word> words;
  if (speech_ms < int64_t(pieces.size())) return words;
  // A moment of the speech alone, as a moment of the window. At the seam between two ranges a
  // word begins in the later one and ends in the earlier one.
  const auto place = [&](int64_t spoken_ms, bool begins) {
    for (const TimeRange& range : speech) {
      const int64_t length_ms = range.duration_ms();
      if (spoken_ms < length_ms || (!begins && spoken_ms == length_ms)) {
        return range.start_ms + spoken_ms;
      }
      spoken_ms -= length_ms;
    }
    return speech.back().end_ms;
  };
  size_t before = 0;
  for (std::string& piece : pieces) {
    const auto share = [&](size_t characters) {
      return speech_ms * int64_t(characters) / int64_t(total);
    };
    Word word;
    word.start_ms = place(share(before), true);
    before += piece.size();
    word.end_ms = std::max(place(share(before), false), word.start_ms + 1);
    word.text = std::move(piece);
    word.confidence = 0.5;
    words.push_back(std::move(word));
  }
  return words;
}

}  // namespace narralytica::transcript
