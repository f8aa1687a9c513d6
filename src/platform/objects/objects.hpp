// The `objects` port: immutable, content-addressed bytes.
//
// A key is "<tenant>/<sha256 of the content>". An object is written once, whole or not at all, and
// never changes; putting it again mends a damaged copy and renews its age. Its header
// (docs/formats/object.md) carries the id of the key it is encrypted under, "none" in the embedded
// default. Objects outlive the rows that name them until the retention of backups is over.
//
// Thread-safe; several processes may share a store.
//
// Failures: kNotFound for a missing key, kCorrupt when length or content do not match the key
// (never served), kUnavailable when the store cannot be reached or is full, kLimited beyond
// `Get`'s maximum.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace narralytica::platform {

struct ObjectRef {
  std::string key;
  std::string sha256;  // of the content
  int64_t bytes = 0;   // of the content
};

// Where an object's content lies in a file of this machine, for a child that reads it by
// descriptor.
struct LocalObject {
  std::string path;
  int64_t offset_bytes = 0;
  int64_t bytes = 0;
};

// What the store holds; `written` is when the object was last put.
struct ListedObject {
  std::string key;
  UtcMs written;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual Result<ObjectRef> Put(const TenantId& tenant, std::span<const uint8_t> content) = 0;
  // Streams the file: memory does not grow with it. `progress` gets the bytes done so far.
  virtual Result<ObjectRef> PutFile(const TenantId& tenant, const std::string& path,
                                    const std::function<void(int64_t)>& progress) = 0;
  // The whole content, verified against its key.
  virtual Result<std::vector<uint8_t>> Get(const std::string& key, int64_t bytes_max) = 0;
  // Checks the header, not the content: use Verify for that.
  virtual Result<LocalObject> Locate(const std::string& key) = 0;
  // Reads everything and compares it with the key.
  virtual Status Verify(const std::string& key) = 0;
  virtual Status Remove(const std::string& key) = 0;
  // How much more the store can take, as far as is known; kUnavailable when it cannot be asked.
  virtual Result<int64_t> FreeBytes() { return INT64_MAX; }
  // Up to `limit` objects after the key `after`, sorted by key; for fsck and garbage collection.
  virtual Result<std::vector<ListedObject>> List(const std::string& after, int limit) = 0;
};

// A folder: objects/<tenant>/<first two digits>/<sha256>. Creates it if needed, and removes what
// writers that died left half written.
Result<std::unique_ptr<ObjectStore>> OpenFolderStore(const std::string& folder);

}  // namespace narralytica::platform
