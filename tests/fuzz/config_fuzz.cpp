// narralytica.toml, the environment's variables and settings on the command line.
#include "base/utf8.hpp"
#include "platform/config.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

namespace {

struct Everything {
  int64_t integer = 5;
  int small = 5;
  double real = 0.5;
  bool flag = false;
  std::string text = "t";
  std::string choice = "one";
  std::string secret = "hush";
  std::vector<std::string> texts{"a"};

  void Bind(platform::ConfigBinder& binder) {
    binder.Field("a.integer", &integer, {1, 10}, "an integer");
    binder.Field("a.small", &small, {-3, 9}, "a small one");
    binder.Field("a.real", &real, {0, 1}, "a real");
    binder.Field("a.flag", &flag, "a flag");
    binder.Field("b.text", &text, "a text");
    binder.Field("b.texts", &texts, "texts");
    binder.Choice("b.choice", &choice, {"one", "two"}, "a choice");
    binder.Secret("b.secret", &secret, "a secret");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  Everything read, again;
  platform::ConfigBinder binder, other;
  read.Bind(binder);
  again.Bind(other);
  const std::string setting(input.Line());
  (void)binder.ReadSetting(setting);
  (void)binder.ReadEnvironment(
      {{"NARRALYTICA_B__TEXTS", setting}, {"NARRALYTICA_A__REAL", setting}});
  (void)binder.ReadToml(input.Rest(), "fuzz.toml");
  NRL_ASSERT(read.integer >= 1 && read.integer <= 10 && read.small >= -3 && read.small <= 9);
  NRL_ASSERT(read.real >= 0 && read.real <= 1 && (read.choice == "one" || read.choice == "two"));
  again.secret = read.secret = "hush";
  const std::string dump = binder.Dump();
  read.secret = "another";
  NRL_ASSERT(binder.Dump() == dump);
  if (!IsUtf8(setting)) return 0;  // TOML has no other text
  NRL_ASSERT(other.ReadToml(dump, "dump.toml").empty());
  NRL_ASSERT(again.integer == read.integer && again.text == read.text && again.texts == read.texts);
  return 0;
}
