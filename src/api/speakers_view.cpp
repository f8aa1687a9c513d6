#include "api/speakers_view.hpp"

#include <algorithm>

#include "api/wire.hpp"
#include "media/video_store.hpp"
#include "speakers/turns.hpp"

namespace narralytica::api {
namespace {

Json DiarizationJson(const std::optional<speakers::StoredDiarization>& diarization) {
  if (!diarization) return nullptr;
  return {{"version", diarization->version},
          {"model", diarization->model},
          {"model_hash", diarization->model_hash},
          {"settings_hash", diarization->settings_hash},
          {"created_at", FormatRfc3339(diarization->created_at)}};
}

Json TurnJson(const speakers::StoredTurn& turn) {
  return {{"speaker_id", turn.speaker.str()},
          {"start_ms", turn.range.start_ms},
          {"end_ms", turn.range.end_ms},
          {"confidence", turn.confidence}};
}

// The fields of RTTM are separated by spaces.
std::string AsField(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c <= ' '; }, '_');
  return text;
}

}  // namespace

Result<LoadedSpeakers> LoadSpeakers(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const media::Video found, media::GetVideo(tx, video));
  LoadedSpeakers loaded{.video = found.id, .diarization = {}, .speakers = {}, .turns = {}};
  NRL_TRY(loaded.diarization, speakers::CurrentDiarization(tx, found.id));
  if (!loaded.diarization) return loaded;
  NRL_TRY(loaded.speakers, speakers::SpeakersOf(tx, loaded.diarization->id));
  NRL_TRY(loaded.turns, speakers::TurnsOf(tx, loaded.diarization->id));
  return loaded;
}

Json SpeakerJson(const speakers::StoredSpeaker& speaker) {
  return {{"speaker_id", speaker.id.str()},
          {"video_id", speaker.video.str()},
          {"label", speaker.label},
          {"name", OrNull(speaker.name)},
          {"person_id", speaker.person ? Json(speaker.person->str()) : Json()},
          {"language", nullptr},
          {"metadata", Json::object()},
          {"speech_ms", speaker.speech_ms},
          {"turns_count", speaker.turns_count},
          {"created_at", FormatRfc3339(speaker.created_at)}};
}

Json SpeakerNameJson(const std::vector<speakers::StoredSpeaker>& speakers,
                     const std::optional<SpeakerId>& speaker) {
  if (!speaker) return nullptr;
  const auto found = std::ranges::find(speakers, *speaker, &speakers::StoredSpeaker::id);
  if (found == speakers.end()) return nullptr;
  return {{"speaker_id", found->id.str()}, {"label", found->label}, {"name", OrNull(found->name)}};
}

Json SpeakersJson(const LoadedSpeakers& loaded) {
  Json speakers = Json::array();
  for (const auto& speaker : loaded.speakers) speakers.push_back(SpeakerJson(speaker));
  Json turns = Json::array();
  for (const auto& turn : loaded.turns) turns.push_back(TurnJson(turn));
  return {{"diarization", DiarizationJson(loaded.diarization)},
          {"speakers", std::move(speakers)},
          {"turns", std::move(turns)}};
}

std::string SpeakersRttm(const LoadedSpeakers& loaded) {
  std::vector<std::string> names;
  for (const auto& speaker : loaded.speakers) {
    names.push_back(AsField(speakers::DisplayName(speaker)));
  }
  std::vector<speakers::Turn> turns;
  for (const auto& turn : loaded.turns) {
    const auto speaker =
        std::ranges::find(loaded.speakers, turn.speaker, &speakers::StoredSpeaker::id);
    NRL_ASSERT(speaker != loaded.speakers.end());  // a foreign key of the same diarization
    turns.push_back(
        {static_cast<size_t>(speaker - loaded.speakers.begin()), turn.range, turn.confidence});
  }
  return speakers::ToRttm(loaded.video.str(), turns, names);
}

}  // namespace narralytica::api
