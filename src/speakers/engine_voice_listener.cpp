#include "speakers/engine_voice_listener.hpp"

namespace narralytica::speakers {

Result<VoiceModelInfo> EngineVoiceListener::Describe(const Deadline& deadline) {
  NRL_TRY(const auto reply, client_.Call("describe_voices", {{"model", model_}}, {}, deadline));
  try {
    return VoiceModelInfo{reply.body.at("model"), reply.body.at("model_hash")};
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kUnavailable, "the engine's reply cannot be read",
                "run the engine and its callers from the same release", error.what());
  }
}

Result<VoiceChunk> EngineVoiceListener::Hear(const VoiceRequest& request,
                                             const Deadline& deadline) {
  const std::vector<uint8_t> payload = PackVoiceRequest(request);
  NRL_TRY(const auto reply, client_.Call("hear_voices", {{"model", model_}}, payload, deadline));
  return UnpackVoiceChunk(reply.payload);
}

}  // namespace narralytica::speakers
