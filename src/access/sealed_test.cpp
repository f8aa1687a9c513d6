#include "access/sealed.hpp"

#include <gtest/gtest.h>

namespace narralytica::access {
namespace {

TEST(Sealed, OpensWithItsPassphraseAlone) {
  SeededRandom random(7);
  const std::string sealed = Seal("the key", "a credential", random);
  EXPECT_EQ(Unseal(sealed, "a credential"), "the key");
  EXPECT_EQ(Unseal(sealed, "another").error().code, ErrorCode::kDenied);
  EXPECT_EQ(sealed.find("key"), std::string::npos);
  EXPECT_NE(sealed, Seal("the key", "a credential", random)) << "a nonce of its own each time";
}

TEST(Sealed, RefusesWhatWasChangedOrIsNothing) {
  SeededRandom random(7);
  std::string sealed = Seal("the key", "a credential", random);
  EXPECT_FALSE(Unseal("", "a credential"));
  EXPECT_FALSE(Unseal("no hex", "a credential"));
  EXPECT_FALSE(Unseal(sealed.substr(2), "a credential"));
  sealed.back() = sealed.back() == '0' ? '1' : '0';
  EXPECT_FALSE(Unseal(sealed, "a credential"));
}

}  // namespace
}  // namespace narralytica::access
