#include "transcript/engine_recognizer.hpp"

#include <fmt/format.h>

#include "transcript/recognition_wire.hpp"

namespace narralytica::transcript {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> BadReply(const Json::exception& error) {
  return Fail(ErrorCode::kUnavailable, "the engine's reply cannot be read",
              "run the engine and its callers from the same release", error.what());
}

// Both engines take the same request; they differ in the op and in what they say of themselves.
class EngineRecognizer final : public Recognizer {
 public:
  EngineRecognizer(platform::EngineClient& client, RecognizerInfo info, std::string language)
      : client_(client), info_(std::move(info)), language_(std::move(language)) {}

  Result<RecognizerInfo> Describe(const Deadline&) override { return info_; }

  Result<std::vector<RecognizedWindow>> Recognize(const RecognitionBatch& batch,
                                                  const Deadline& deadline) override {
    const char* op = info_.engine == "whisper" ? "transcribe" : "transcribe_sherpa";
    NRL_TRY(const auto reply, client_.Call(op, TranscribeBody(info_.model, language_, batch),
                                           TranscribePayload(batch), deadline));
    try {
      auto windows = reply.body.at("windows").get<std::vector<RecognizedWindow>>();
      if (windows.size() == batch.windows.size()) return windows;
    } catch (const Json::exception& error) {
      return BadReply(error);
    }
    return Fail(ErrorCode::kUnavailable, "the engine answered for another number of windows");
  }

 private:
  platform::EngineClient& client_;
  const RecognizerInfo info_;
  const std::string language_;
};

}  // namespace

Result<std::vector<float>> EngineSpeechDetector::Detect(std::span<const int16_t> samples,
                                                        VadState& state, const Deadline& deadline) {
  NRL_TRY(const auto reply,
          client_.Call("vad", Json::object(), PackVadRequest(state, samples), deadline));
  NRL_TRY(auto unpacked, UnpackVadReply(reply.payload));
  state = unpacked.first;
  return std::move(unpacked.second);
}

Result<std::unique_ptr<Recognizer>> ConnectRecognizer(platform::EngineClient& client,
                                                      const std::string& model,
                                                      const std::string& language,
                                                      const Deadline& deadline) {
  NRL_TRY(const auto reply, client.Call("describe_recognizer",
                                        {{"model", model}, {"language", language}}, {}, deadline));
  try {
    RecognizerInfo info{reply.body.at("engine"), reply.body.at("model"),
                        reply.body.at("model_hash"), reply.body.at("word_times")};
    return std::make_unique<EngineRecognizer>(client, std::move(info), language);
  } catch (const Json::exception& error) {
    return BadReply(error);
  }
}

}  // namespace narralytica::transcript
