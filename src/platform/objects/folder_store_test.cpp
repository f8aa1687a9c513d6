#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/hash.hpp"
#include "platform/file.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::platform {
namespace {

const TenantId kTenant = TenantId::FromTrusted("00000000-0000-7000-8000-000000000001");

std::vector<uint8_t> Bytes(std::string_view text) { return {text.begin(), text.end()}; }

class FolderStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_.emplace(std::move(*TemporaryFolder::Create(testing::TempDir(), "store")));
    store_ = std::move(*OpenFolderStore(folder_->path() + "/objects"));
  }
  // Flips one byte of the stored file.
  void Damage(const std::string& key, int64_t at) {
    const LocalObject object = *store_->Locate(key);
    std::filesystem::permissions(object.path, std::filesystem::perms::owner_all);
    std::fstream file(object.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file.put('!');
  }
  std::optional<TemporaryFolder> folder_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(FolderStoreTest, GivesBackWhatWasPutUnderTheHashOfItsContent) {
  const auto ref = store_->Put(kTenant, Bytes("hello"));
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->key, kTenant.str() + "/" + Sha256Hex("hello"));
  EXPECT_EQ(*store_->Get(ref->key, 100), Bytes("hello"));
  EXPECT_EQ(store_->Put(kTenant, Bytes("hello"))->key, ref->key);
  EXPECT_EQ(store_->Get(ref->key, 4).error().code, ErrorCode::kLimited);
}

TEST_F(FolderStoreTest, AFileAndItsBytesAreTheSameObject) {
  const std::string path = folder_->path() + "/input";
  const std::string content(3'000'000, 'z');
  ASSERT_TRUE(WriteFileAtomically(path, content));
  int64_t told = 0;
  const auto ref = store_->PutFile(kTenant, path, [&](int64_t done) { told = done; });
  ASSERT_TRUE(ref);
  EXPECT_EQ(told, 3'000'000);
  EXPECT_EQ(ref->key, store_->Put(kTenant, Bytes(content))->key);
  EXPECT_EQ(store_->Locate(ref->key)->bytes, 3'000'000);
}

TEST_F(FolderStoreTest, DamageIsFoundAndNeverServed) {
  const auto ref = *store_->Put(kTenant, Bytes("hello world"));
  Damage(ref.key, 64 + 3);
  EXPECT_EQ(store_->Get(ref.key, 100).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(store_->Verify(ref.key).error().code, ErrorCode::kCorrupt);
  const auto other = *store_->Put(kTenant, Bytes("other"));
  Damage(other.key, 0);
  EXPECT_EQ(store_->Locate(other.key).error().code, ErrorCode::kCorrupt);
}

TEST_F(FolderStoreTest, KeysFromOutsideCannotLeaveTheFolder) {
  for (const char* key : {"", "../../etc/passwd", "00000000-0000-7000-8000-000000000001/../x",
                          "00000000-0000-7000-8000-000000000001"}) {
    EXPECT_EQ(store_->Get(key, 10).error().code, ErrorCode::kInvalid) << key;
  }
}

TEST_F(FolderStoreTest, ListsKeysInOrderPageByPage) {
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(store_->Put(kTenant, Bytes(text)));
  const auto first = *store_->List("", 2);
  ASSERT_EQ(first.size(), 2U);
  const auto rest = *store_->List(first.back().key, 2);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_LT(first[0].key, first[1].key);
  EXPECT_LT(first[1].key, rest[0].key);
  ASSERT_TRUE(store_->Remove(rest[0].key));
  EXPECT_EQ(store_->Locate(rest[0].key).error().code, ErrorCode::kNotFound);
}

TEST_F(FolderStoreTest, PagesOfOneListEveryObjectOfEveryTenantOnce) {
  const TenantId other = TenantId::FromTrusted("00000000-0000-7000-8000-000000000002");
  std::set<std::string> put;
  for (int i = 0; i < 40; ++i) {
    put.insert(store_->Put(i % 2 == 0 ? kTenant : other, Bytes(std::to_string(i)))->key);
  }
  std::vector<std::string> listed;
  for (std::string after;;) {
    const auto page = *store_->List(after, 1);
    if (page.empty()) break;
    after = page[0].key;
    listed.push_back(after);
  }
  EXPECT_TRUE(std::ranges::equal(listed, put));
}

TEST_F(FolderStoreTest, PuttingADamagedObjectAgainMendsIt) {
  const auto ref = *store_->Put(kTenant, Bytes("hello world"));
  Damage(ref.key, 64 + 3);
  ASSERT_FALSE(store_->Verify(ref.key));
  ASSERT_TRUE(store_->Put(kTenant, Bytes("hello world")));
  EXPECT_TRUE(store_->Verify(ref.key));
  Damage(ref.key, 64 + 3);
  const std::string path = folder_->path() + "/input";
  ASSERT_TRUE(WriteFileAtomically(path, std::string_view("hello world")));
  ASSERT_TRUE(store_->PutFile(kTenant, path, {}));
  EXPECT_TRUE(store_->Verify(ref.key));
}

TEST_F(FolderStoreTest, WhatADeadWriterLeftIsSweptAndWhatALiveOneWritesIsNot) {
  const std::string objects = folder_->path() + "/objects";
  const std::string dead = objects + "/pending-dead00";
  const std::string alive = objects + "/pending-alive0";
  for (const auto& path : {dead, alive}) ASSERT_TRUE(WriteFileAtomically(path, std::string("x")));
  const FileDescriptor writer(open(alive.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(flock(writer.get(), LOCK_EX), 0);
  ASSERT_TRUE(OpenFolderStore(objects));
  EXPECT_FALSE(std::filesystem::exists(dead));
  EXPECT_TRUE(std::filesystem::exists(alive));
}

}  // namespace
}  // namespace narralytica::platform
