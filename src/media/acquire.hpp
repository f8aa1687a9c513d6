// The first half of an `ingest` job whose recording is at a URL: fetches it into the object store.
//
// What came is one of two things: a recording that is new, and the job goes on with it; or one that
// is there already under another video. Then nothing is made twice: this job succeeds, its video
// stands for the other one from then on (GetVideo gives that), and its source with its external id
// belongs to the other one too. So an answer of 201 stays true: the ids in it lead to the
// recording.
#pragma once

#include <optional>
#include <string>

#include "jobs/stage.hpp"
#include "media/video_store.hpp"
#include "platform/objects/objects.hpp"
#include "source/dialer.hpp"
#include "source/source_store.hpp"
#include "source/video_site.hpp"

namespace narralytica::media {

struct AcquireParts {
  const source::Dialer& dialer;
  const source::VideoSites& sites;
  platform::ObjectStore& objects;
  std::string folder;  // of downloads in progress
  int64_t bytes_max = 0;
};

// Where the ingest job's progress is when the recording is there.
inline constexpr double kAcquireShare = 0.5;

// The "original" of the job's video; nullopt when it was a duplicate and the job has ended. Errors
// are those of source/download.hpp and source/video_site.hpp.
Result<std::optional<Artifact>> Acquire(const AcquireParts& parts, jobs::StageContext& context);

}  // namespace narralytica::media
