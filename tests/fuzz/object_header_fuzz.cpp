// An object's file, whatever its first bytes are.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "platform/file.hpp"
#include "platform/objects/objects.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

namespace {

struct Store {
  platform::TemporaryFolder folder =
      platform::TemporaryFolder::Create(std::filesystem::temp_directory_path(), "objects").value();
  std::unique_ptr<platform::ObjectStore> store = platform::OpenFolderStore(folder.path()).value();
  TenantId tenant = TenantId::FromTrusted("0190b0e0-0000-7000-8000-000000000001");
  std::string key;
  std::string path;

  Store() {
    const std::string content = "content";
    const auto* bytes = reinterpret_cast<const uint8_t*>(content.data());
    key = store->Put(tenant, {bytes, content.size()}).value().key;
    path = store->Locate(key).value().path;
    chmod(path.c_str(), 0600);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Store store;
  std::ofstream(store.path, std::ios::binary).write(reinterpret_cast<const char*>(data), size);
  if (const auto object = store.store->Locate(store.key)) {
    NRL_ASSERT(object->bytes >= 0 && std::cmp_equal(object->offset_bytes + object->bytes, size));
  }
  (void)store.store->Verify(store.key);
  (void)store.store->Locate(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
