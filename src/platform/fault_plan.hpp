// For tests: lets one call of many to a store go wrong, in a way that is chosen beforehand.
//
// A run without faults counts its calls; runs with a fault at call 1, 2, ... then meet every one.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace narralytica::platform {

enum class Fault {
  kNone,
  kRefused,     // not done, and said so
  kAnswerLost,  // done, and said not to be: whoever asked cannot know
  kAct,         // `act` runs, then the call is made
};

// Not thread-safe.
class FaultPlan {
 public:
  FaultPlan() = default;
  // At call number `at`, from 1.
  FaultPlan(size_t at, Fault fault, std::function<void()> act = {})
      : at_(at), fault_(fault), act_(std::move(act)) {}

  // Every call so far, by name.
  const std::vector<std::string>& calls() const { return calls_; }
  bool has_struck() const { return fault_ != Fault::kNone && calls_.size() >= at_; }

  template <typename Call>
  auto Through(std::string_view name, Call call) -> decltype(call()) {
    calls_.emplace_back(name);
    const Fault fault = calls_.size() == at_ ? fault_ : Fault::kNone;
    if (fault == Fault::kAct) act_();
    if (fault == Fault::kNone || fault == Fault::kAct) return call();
    if (fault == Fault::kAnswerLost) (void)call();
    return Fail(ErrorCode::kUnavailable, "the store does not answer", "try again",
                std::string(name));
  }

 private:
  size_t at_ = 0;
  Fault fault_ = Fault::kNone;
  std::function<void()> act_;
  std::vector<std::string> calls_;
};

}  // namespace narralytica::platform
