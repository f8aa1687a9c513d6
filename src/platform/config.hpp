// Configuration: one struct with defaults per module, filled from DIR/narralytica.toml, then from
// the environment, then from flags.
//
// A module's struct lists its fields once, in Bind():
//
//   struct WorkConfig {
//     int slots = 2;
//     void Bind(ConfigBinder& binder) { binder.Field("work.slots", &slots, {1, 64}, "jobs at
//     once"); }
//   };
//
// The same list reads every source, checks ranges, refuses unknown keys and prints the dump.
// "work.slots" is [work] slots in the file and NARRALYTICA_WORK__SLOTS in the environment. All
// problems are reported together, each naming its key and the values allowed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace narralytica::platform {

class ConfigBinder {
 public:
  struct Range {
    int64_t min = 0;
    int64_t max = INT64_MAX;
  };

  struct RealRange {
    double min = 0;
    double max = 1;
  };

  void Field(std::string key, int64_t* target, Range range, std::string help);
  void Field(std::string key, int* target, Range range, std::string help);
  void Field(std::string key, double* target, RealRange range, std::string help);
  void Field(std::string key, bool* target, std::string help);
  void Field(std::string key, std::string* target, std::string help);
  // Texts without commas: an array in the file, separated by commas elsewhere.
  void Field(std::string key, std::vector<std::string>* target, std::string help);
  // A text with a closed list of values.
  void Choice(std::string key, std::string* target, const std::vector<std::string>& choices,
              std::string help);
  // A text that the dump shows as "***".
  void Secret(std::string key, std::string* target, std::string help);

  // Each call overrides what earlier ones set. The list of problems is empty when all is well.
  std::vector<std::string> ReadToml(std::string_view text, std::string_view file_name);
  std::vector<std::string> ReadEnvironment(const std::map<std::string, std::string>& variables);
  // "key=value"
  std::vector<std::string> ReadSetting(std::string_view setting);

  // TOML with every key, its help as a comment; secrets redacted.
  std::string Dump() const;

 private:
  struct Entry {
    std::string help;
    bool secret = false;
    std::function<std::string(std::string_view)> set;  // the problem, or ""
    std::function<std::string()> show;                 // as a TOML value
  };
  void Add(std::string key, Entry entry);
  std::string Set(std::string_view key, std::string_view value, std::string_view origin);

  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace narralytica::platform
