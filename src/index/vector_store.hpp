// The `vectors` table: which object holds the sentence vectors of a transcript.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/tx.hpp"
#include "index/vectors.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::index {

inline constexpr int64_t kVectorsBytesMax = int64_t{1} << 30;

struct StoredVectors {
  std::string id;
  VideoId video;
  TranscriptId transcript;
  std::string model;
  std::string model_hash;
  std::string object_key;
  int64_t count = 0;
};

// Replaces what the same model gave for the same transcript.
Status PutVectors(access::Tx& tx, const StoredVectors& vectors, UtcMs now);
// What is not there is not missed.
Status DeleteVectors(access::Tx& tx, const std::string& id);
// The newest of the transcript; nullopt without any.
Result<std::optional<StoredVectors>> VectorsOf(access::Tx& tx, const TranscriptId& transcript);
// For fsck; pages by id.
Result<std::vector<StoredVectors>> ListVectors(access::Tx& tx, const std::string& after, int limit);

Result<VideoVectors> LoadVectors(platform::ObjectStore& objects, const StoredVectors& vectors);

}  // namespace narralytica::index
