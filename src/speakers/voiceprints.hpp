// The `voiceprints` and `voice_keys` tables: what voices sound like, sealed.
//
// A voiceprint is of a speaker, and then whose voice it is follows from who that speaker is; or it
// was enrolled for a person, and is theirs whoever the speaker is taken for. Each is sealed with a
// key of its own, which lies in `voice_keys` alone: when that row is gone, no copy of the voice can
// be read any more, wherever it is, unless the keys were copied too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/tx.hpp"
#include "speakers/identity.hpp"

namespace narralytica::speakers {

NRL_ID(VoiceprintId, "voiceprint");

struct VoiceModelName {
  std::string model;
  std::string model_hash;
};

struct NewVoiceprint {
  SpeakerId speaker;
  std::optional<PersonId> person;  // enrolled
  std::optional<TimeRange> clip;   // that it was enrolled from
  VoiceModelName model;
  int64_t speech_ms = 0;
  Voice voice{};
};

// Voices of current diarizations and enrolled ones, newest first, at most so many: what matching
// reads at once.
inline constexpr int kVoicesMax = 50'000;

Result<VoiceprintId> InsertVoiceprint(access::Tx& tx, const NewVoiceprint& wanted,
                                      Environment environment);
// What a speaker sounds like; none without a voiceprint. kCorrupt when it cannot be opened.
Result<std::optional<NewVoiceprint>> VoiceOfSpeaker(access::Tx& tx, const SpeakerId& speaker);
// Everything that voices of that model are compared with, but for recordings that were deleted and
// voiceprints that cannot be opened.
Result<std::vector<KnownVoice>> KnownVoices(access::Tx& tx, const std::string& model_hash);

// Key first. Says whether it was there.
Result<bool> DeleteVoiceprint(access::Tx& tx, const VoiceprintId& voiceprint);
// Those of earlier diarizations of the video that were not enrolled: the current ones stand for
// them.
Status DeleteSupersededVoices(access::Tx& tx, const VideoId& video);
// All that were made of the video, enrolled ones too.
Status DeleteVoicesOfVideo(access::Tx& tx, const VideoId& video);

}  // namespace narralytica::speakers
