#pragma once

#include <sys/types.h>

#include <vector>

namespace buildjail {

/**
 * setgroups(2) changed in 15.0: before, the first group of the list is the effective group id as well. Which of the two
 * this libc has is found out before the fork; the child then calls it with a list that means the same under both.
 */
class SetGroups {
 public:
  SetGroups(gid_t gid, const std::vector<gid_t>& groups);
  /** In the child. */
  [[nodiscard]] int call() const { return function_(static_cast<int>(groups_.size()), groups_.data()); }

 private:
  using Function = int (*)(int, const gid_t*);
  Function function_;
  std::vector<gid_t> groups_;
};

}  // namespace buildjail
