// The `ingest` stage: a recording at a URL is fetched, unless it is there (acquire.hpp); then it
// becomes sound, a rendition to play, peaks and a
// poster, all as artifacts of its video.
#pragma once

#include <memory>
#include <string>

#include "jobs/stage.hpp"
#include "media/acquire.hpp"
#include "media/media_service.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::media {

struct PrepareStageParts {
  const MediaService& service;
  AcquireParts acquire;
  platform::ObjectStore& objects;
  std::string temporary_folder;
  int64_t timeout_ms = 4 * 3'600'000;  // of one recording
};

std::unique_ptr<jobs::Stage> MakePrepareStage(PrepareStageParts parts);

}  // namespace narralytica::media
