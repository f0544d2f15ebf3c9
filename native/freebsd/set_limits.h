#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/result.h"
#include "plan/limits.h"

namespace buildjail {

/**
 * The limits of a command's processes as setrlimit(2) takes them. Never more than this process has, whose child the
 * command is: root could raise them.
 */
class SetLimits {
 public:
  struct Bound {
    int resource;
    rlimit limit;
  };

  static Result<SetLimits> of(const CommandLimits& limits);
  /** As they are, be they more than this process has. */
  static SetLimits exactly(std::vector<Bound> bounds) {
    SetLimits set;
    set.bounds_ = std::move(bounds);
    return set;
  }
  /** Whether one is of the stack, which changes memory (jail_child.cc). */
  [[nodiscard]] bool is_of_stack() const {
    return std::ranges::any_of(bounds_, [](const Bound& bound) { return bound.resource == RLIMIT_STACK; });
  }
  /** In the child. */
  [[nodiscard]] int call() const;

 private:
  Status add(int resource, rlim_t most, rlim_t hard);

  std::vector<Bound> bounds_;
};

}  // namespace buildjail
