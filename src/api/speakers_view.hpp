// Who speaks when in a recording, as people take it away: the contract's JSON, RTTM.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "speakers/speaker_store.hpp"

namespace narralytica::api {

using Json = nlohmann::ordered_json;

struct LoadedSpeakers {
  VideoId video;
  std::optional<speakers::StoredDiarization> diarization;  // none: nobody was told apart
  std::vector<speakers::StoredSpeaker> speakers;
  std::vector<speakers::StoredTurn> turns;
};

// Of the current diarization; kNotFound when the recording is not there.
Result<LoadedSpeakers> LoadSpeakers(access::Tx& tx, const VideoId& video);

// The contract's speaker.
Json SpeakerJson(const speakers::StoredSpeaker& speaker);
// {"speaker_id", "label", "name"}; null for one that is not among `speakers`.
Json SpeakerNameJson(const std::vector<speakers::StoredSpeaker>& speakers,
                     const std::optional<SpeakerId>& speaker);
// The contract's speakers of a video.
Json SpeakersJson(const LoadedSpeakers& loaded);
// A line a turn; recordings are called by their id, speakers by name, with _ for each space.
std::string SpeakersRttm(const LoadedSpeakers& loaded);

}  // namespace narralytica::api
