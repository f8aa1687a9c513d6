#include "platform/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

namespace narralytica::platform {
namespace {

constexpr std::string_view kPrefix = "NARRALYTICA_";
// Variables with the prefix that are not settings of a process.
constexpr std::string_view kOthers[] = {"NARRALYTICA_CACHE", "NARRALYTICA_DATA", "NARRALYTICA_KEY",
                                        "NARRALYTICA_KEY_FILE", "NARRALYTICA_SERVER"};

template <typename T>
bool ParseNumber(std::string_view text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc{} && end == text.data() + text.size();
}

template <typename T>
std::string SetInteger(std::string_view text, T* target, ConfigBinder::Range range) {
  int64_t value = 0;
  if (!ParseNumber(text, &value) || value < range.min || value > range.max) {
    return fmt::format("must be a whole number from {} to {}", range.min, range.max);
  }
  *target = static_cast<T>(value);
  return {};
}

std::string Quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

std::string KeyOfVariable(std::string_view variable) {
  std::string key;
  for (size_t i = kPrefix.size(); i < variable.size(); ++i) {
    if (variable.substr(i, 2) == "__") {
      key.push_back('.');
      ++i;
    } else {
      key.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(variable[i]))));
    }
  }
  return key;
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

std::string JoinArray(const toml::array& array) {
  std::string text;
  for (const auto& node : array) {
    text += text.empty() ? "" : ",";
    text += node.value_or(std::string());
  }
  return text;
}

// Calls `leaf(dotted key, text of the value)` for every value of a table.
void Walk(const toml::table& table, const std::string& prefix,
          const std::function<void(const std::string&, const std::string&)>& leaf) {
  for (const auto& [name, node] : table) {
    const std::string key =
        prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      Walk(*inner, key, leaf);
    } else if (const auto* text = node.as_string()) {
      leaf(key, text->get());
    } else if (const auto* array = node.as_array()) {
      leaf(key, JoinArray(*array));
    } else {
      std::ostringstream out;
      node.visit([&](const auto& value) { out << value; });
      leaf(key, out.str());
    }
  }
}

}  // namespace

void ConfigBinder::Add(std::string key, Entry entry) {
  const bool added = entries_.emplace(std::move(key), std::move(entry)).second;
  NRL_ASSERT(added);
}

void ConfigBinder::Field(std::string key, int64_t* target, Range range, std::string help) {
  Add(std::move(key), {std::move(help), false,
                       [=](std::string_view text) { return SetInteger(text, target, range); },
                       [=] { return fmt::format("{}", *target); }});
}

void ConfigBinder::Field(std::string key, int* target, Range range, std::string help) {
  range.max = std::min<int64_t>(range.max, INT32_MAX);
  Add(std::move(key), {std::move(help), false,
                       [=](std::string_view text) { return SetInteger(text, target, range); },
                       [=] { return fmt::format("{}", *target); }});
}

void ConfigBinder::Field(std::string key, double* target, RealRange range, std::string help) {
  auto set = [=](std::string_view text) -> std::string {
    double value = 0;
    if (!ParseNumber(text, &value) || !(value >= range.min && value <= range.max)) {
      return fmt::format("must be a number from {} to {}", range.min, range.max);
    }
    *target = value;
    return {};
  };
  Add(std::move(key), {std::move(help), false, set, [=] { return fmt::format("{}", *target); }});
}

void ConfigBinder::Field(std::string key, bool* target, std::string help) {
  auto set = [=](std::string_view text) -> std::string {
    if (text != "true" && text != "false") return "must be true or false";
    *target = text == "true";
    return {};
  };
  Add(std::move(key), {std::move(help), false, set, [=] { return fmt::format("{}", *target); }});
}

void ConfigBinder::Field(std::string key, std::string* target, std::string help) {
  auto set = [=](std::string_view text) -> std::string {
    *target = std::string(text);
    return {};
  };
  Add(std::move(key), {std::move(help), false, set, [=] { return Quoted(*target); }});
}

void ConfigBinder::Field(std::string key, std::vector<std::string>* target, std::string help) {
  auto set = [=](std::string_view text) -> std::string {
    *target = SplitList(text);
    return {};
  };
  auto show = [=] {
    std::string text;
    for (const std::string& item : *target) text += (text.empty() ? "" : ", ") + Quoted(item);
    return "[" + text + "]";
  };
  Add(std::move(key), {std::move(help), false, set, show});
}

void ConfigBinder::Choice(std::string key, std::string* target,
                          const std::vector<std::string>& choices, std::string help) {
  auto set = [=](std::string_view text) -> std::string {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return fmt::format("must be one of {}", fmt::join(choices, ", "));
    }
    *target = std::string(text);
    return {};
  };
  Add(std::move(key), {std::move(help), false, set, [=] { return Quoted(*target); }});
}

void ConfigBinder::Secret(std::string key, std::string* target, std::string help) {
  auto set = [=](std::string_view text) -> std::string {
    *target = std::string(text);
    return {};
  };
  Add(std::move(key), {std::move(help), true, set, [] { return "\"***\""; }});
}

std::string ConfigBinder::Set(std::string_view key, std::string_view value,
                              std::string_view origin) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    return fmt::format("{}: unknown setting '{}'; narralytica doctor --config lists all", origin,
                       key);
  }
  const std::string problem = found->second.set(value);
  if (problem.empty()) return {};
  return fmt::format("{}: {} {}, not '{}'", origin, key, problem,
                     found->second.secret ? "***" : value.substr(0, 80));
}

std::vector<std::string> ConfigBinder::ReadToml(std::string_view text, std::string_view file_name) {
  std::vector<std::string> problems;
  try {
    Walk(toml::parse(text), "", [&](const std::string& key, const std::string& value) {
      std::string problem = Set(key, value, file_name);
      if (!problem.empty()) problems.push_back(std::move(problem));
    });
  } catch (const toml::parse_error& error) {
    problems.push_back(
        fmt::format("{} line {}: {}", file_name, error.source().begin.line, error.description()));
  }
  return problems;
}

std::vector<std::string> ConfigBinder::ReadEnvironment(
    const std::map<std::string, std::string>& variables) {
  std::vector<std::string> problems;
  for (const auto& [name, value] : variables) {
    if (!name.starts_with(kPrefix)) continue;
    if (std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers)) continue;
    std::string problem = Set(KeyOfVariable(name), value, name);
    if (!problem.empty()) problems.push_back(std::move(problem));
  }
  return problems;
}

std::vector<std::string> ConfigBinder::ReadSetting(std::string_view setting) {
  const size_t equals = setting.find('=');
  if (equals == std::string_view::npos) {
    return {fmt::format("--set {}: write --set key=value", setting.substr(0, 80))};
  }
  std::string problem = Set(setting.substr(0, equals), setting.substr(equals + 1), "--set");
  if (problem.empty()) return {};
  return {std::move(problem)};
}

std::string ConfigBinder::Dump() const {
  std::string text;
  std::string section;
  for (const auto& [key, entry] : entries_) {
    const size_t dot = key.find('.');
    NRL_ASSERT(dot != std::string::npos);
    if (key.substr(0, dot) != section) {
      section = key.substr(0, dot);
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
    }
    text += fmt::format("{} = {}  # {}\n", key.substr(dot + 1), entry.show(), entry.help);
  }
  return text;
}

}  // namespace narralytica::platform
