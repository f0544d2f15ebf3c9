#pragma once

#include <functional>
#include <utility>

#include "envelope/part.h"

namespace buildjail {

/** All processes inside. This is the last part, so nothing that a process could use goes before they have ended. */
class Commands final : public Part {
 public:
  /** `end` ends them and waits for their end. Called again it does nothing. */
  explicit Commands(std::function<Status(Trace&)> end) : end_(std::move(end)) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway& taking) override { return end_(taking.trace); }

 private:
  std::function<Status(Trace&)> end_;
};

}  // namespace buildjail
