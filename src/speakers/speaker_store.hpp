// The `diarizations`, `speakers` and `speaker_turns` tables: who speaks when in a video.
//
// A new diarization supersedes the one before it and leaves it readable. Speakers are of one video;
// they are numbered in the order in which they first speak, and labelled "Speaker 1", "Speaker 2".
// Turns of different speakers may overlap.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/page.hpp"
#include "access/tx.hpp"

namespace narralytica::speakers {

NRL_ID(DiarizationId, "diarization");

struct StoredDiarization {
  DiarizationId id;
  VideoId video;
  int version = 1;  // set by the store
  std::string model;
  std::string model_hash;
  std::string settings_hash;
  UtcMs created_at;
};

struct StoredSpeaker {
  SpeakerId id;
  VideoId video;
  DiarizationId diarization;
  int speaker_index = 0;
  std::string label;
  int64_t speech_ms = 0;
  UtcMs created_at;
  // Set by the store when it reads.
  std::optional<PersonId> person = {};  // who it is, over all recordings; none: not known
  std::string name = {};                // the person's; "" without one
  int64_t turns_count = 0;
};

// What people call a speaker: the person's name, else the label.
inline const std::string& DisplayName(const StoredSpeaker& speaker) {
  return speaker.name.empty() ? speaker.label : speaker.name;
}

struct StoredTurn {
  SpeakerId speaker;
  TimeRange range;
  double confidence = 0;  // 0 to 1
};

// Gives the diarization the next version number of its video and supersedes the last one. Turns are
// ordered by start.
Status InsertDiarization(access::Tx& tx, const StoredDiarization& diarization,
                         const std::vector<StoredSpeaker>& speakers,
                         const std::vector<StoredTurn>& turns);

// The version that is not superseded; none for a video whose speakers were not told apart.
Result<std::optional<StoredDiarization>> CurrentDiarization(access::Tx& tx, const VideoId& video);
// In the order of speaker_index.
Result<std::vector<StoredSpeaker>> SpeakersOf(access::Tx& tx, const DiarizationId& diarization);
// Of all versions of a video's diarization, for what an older transcript names; turns are not
// counted.
Result<std::vector<StoredSpeaker>> SpeakersOfVideo(access::Tx& tx, const VideoId& video);
// In the order of their start.
Result<std::vector<StoredTurn>> TurnsOf(access::Tx& tx, const DiarizationId& diarization);

// Of current diarizations of videos that are not deleted, newest first. kInvalid for a cursor of
// another list.
Result<access::Page<StoredSpeaker>> ListSpeakers(access::Tx& tx,
                                                 const std::optional<VideoId>& video,
                                                 const access::PageRequest& page);
// Of any version; kNotFound without one.
Result<StoredSpeaker> GetSpeaker(access::Tx& tx, const SpeakerId& speaker);

}  // namespace narralytica::speakers
