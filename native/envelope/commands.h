#pragma once

#include <functional>
#include <utility>

#include "envelope/part.h"

namespace buildjail {

/** All that runs inside. The last part: nothing that a process could use is taken away before all of them have ended. */
class Commands final : public Part {
 public:
  /** `end` ends them, and waits until they have. Again: nothing to do. */
  explicit Commands(std::function<Status(Trace&)> end) : end_(std::move(end)) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway& taking) override { return end_(taking.trace); }

 private:
  std::function<Status(Trace&)> end_;
};

}  // namespace buildjail
