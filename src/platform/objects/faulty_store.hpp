// For tests: an object store whose calls go through a FaultPlan.
#pragma once

#include <memory>
#include <utility>

#include "platform/fault_plan.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::platform {

class FaultyStore final : public ObjectStore {
 public:
  FaultyStore(std::unique_ptr<ObjectStore> store, FaultPlan& plan)
      : store_(std::move(store)), plan_(plan) {}

  Result<ObjectRef> Put(const TenantId& tenant, std::span<const uint8_t> content) override {
    return plan_.Through("object.put", [&] { return store_->Put(tenant, content); });
  }
  Result<ObjectRef> PutFile(const TenantId& tenant, const std::string& path,
                            const std::function<void(int64_t)>& progress) override {
    return plan_.Through("object.put_file",
                         [&] { return store_->PutFile(tenant, path, progress); });
  }
  Result<std::vector<uint8_t>> Get(const std::string& key, int64_t bytes_max) override {
    return plan_.Through("object.get", [&] { return store_->Get(key, bytes_max); });
  }
  Result<LocalObject> Locate(const std::string& key) override {
    return plan_.Through("object.locate", [&] { return store_->Locate(key); });
  }
  Status Verify(const std::string& key) override {
    return plan_.Through("object.verify", [&] { return store_->Verify(key); });
  }
  Status Remove(const std::string& key) override {
    return plan_.Through("object.remove", [&] { return store_->Remove(key); });
  }
  Result<int64_t> FreeBytes() override {
    return plan_.Through("object.free_bytes", [&] { return store_->FreeBytes(); });
  }
  Result<std::vector<ListedObject>> List(const std::string& after, int limit) override {
    return plan_.Through("object.list", [&] { return store_->List(after, limit); });
  }

 private:
  const std::unique_ptr<ObjectStore> store_;
  FaultPlan& plan_;
};

}  // namespace narralytica::platform
