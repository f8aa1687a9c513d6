#include "platform/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace narralytica::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Settings {
  int slots = 2;
  double share = 0.5;
  bool fast = false;
  std::string name = "x";
  std::string level = "info";
  std::string key = "s3cret";
  std::vector<std::string> hosts{"a"};
  ConfigBinder binder;
  Settings() {
    binder.Field("work.slots", &slots, {1, 64}, "jobs at once");
    binder.Field("work.share", &share, {0, 1}, "share");
    binder.Field("work.fast", &fast, "fast");
    binder.Field("work.name", &name, "name");
    binder.Choice("log.level", &level, {"info", "warn"}, "level");
    binder.Secret("log.key", &key, "key");
    binder.Field("work.hosts", &hosts, "hosts");
  }
};

TEST(ConfigBinder, LaterSourcesWin) {
  Settings s;
  EXPECT_THAT(s.binder.ReadToml("[work]\nslots = 3\nfast = true\nname = \"from file\"", "f"),
              IsEmpty());
  EXPECT_THAT(
      s.binder.ReadEnvironment(
          {{"NARRALYTICA_WORK__SLOTS", "4"}, {"OTHER", "1"}, {"NARRALYTICA_CACHE", "/somewhere"}}),
      IsEmpty());
  EXPECT_EQ(s.slots, 4);
  EXPECT_THAT(s.binder.ReadSetting("work.slots=5"), IsEmpty());
  EXPECT_EQ(s.slots, 5);
  EXPECT_TRUE(s.fast);
  EXPECT_EQ(s.name, "from file");
}

TEST(ConfigBinder, AListIsAnArrayInTheFileAndHasCommasElsewhere) {
  Settings s;
  EXPECT_THAT(s.binder.ReadToml("[work]\nhosts = [\"b\", \"c\"]", "f"), IsEmpty());
  EXPECT_THAT(s.hosts, ElementsAre("b", "c"));
  EXPECT_THAT(s.binder.Dump(), HasSubstr("hosts = ['b', 'c']"));
  EXPECT_THAT(s.binder.ReadSetting("work.hosts= d , e"), IsEmpty());
  EXPECT_THAT(s.hosts, ElementsAre("d", "e"));
  EXPECT_THAT(s.binder.ReadSetting("work.hosts="), IsEmpty());
  EXPECT_THAT(s.hosts, IsEmpty());
}

TEST(ConfigBinder, AllProblemsAreReportedTogether) {
  Settings s;
  EXPECT_THAT(
      s.binder.ReadToml("[work]\nslots = 0\nshare = 2.0\nspeed = 1\n[log]\nlevel = \"loud\"", "f"),
      testing::UnorderedElementsAre(HasSubstr("from 1 to 64"), HasSubstr("from 0 to 1"),
                                    HasSubstr("unknown setting 'work.speed'"),
                                    HasSubstr("one of info, warn")));
  EXPECT_EQ(s.slots, 2) << "a bad value changes nothing";
}

TEST(ConfigBinder, BrokenTomlNamesItsLine) {
  Settings s;
  EXPECT_THAT(s.binder.ReadToml("[work]\nslots = ", "narralytica.toml"),
              ElementsAre(HasSubstr("narralytica.toml line 2")));
}

TEST(ConfigBinder, TheDumpReadsBackAndHidesSecrets) {
  Settings s;
  const std::string dump = s.binder.Dump();
  EXPECT_THAT(dump, HasSubstr("slots = 2"));
  EXPECT_EQ(dump.find("s3cret"), std::string::npos);
  Settings other;
  EXPECT_THAT(other.binder.ReadToml(dump, "dump"), IsEmpty());
}

}  // namespace
}  // namespace narralytica::platform
