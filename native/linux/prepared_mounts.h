#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * A mount namespace of root's with a read-only root that has an empty /etc and nothing else. Sessions copy it and not
 * the host's, whose copy takes longer the more is mounted there, and would have to be unmounted again.
 */
struct EmptyMounts {
  /** For setns(2). Empty if it cannot be made, or if root may not make devices: those of the host are bound then. */
  UniqueFd descriptor;
  /** Whether the kernel can copy a copy of mounts that is not mounted anywhere (Linux 6.15). */
  bool can_copy_copies = false;
};

EmptyMounts make_empty_mounts();

/**
 * The /etc of sessions, made once for each content, because writing a file takes longer than mounting one: a copy of
 * the empty mounts with a read-only file system at /etc, which has all that a plan makes there. A session copies these
 * mounts, and moves that one into its root. Any thread.
 */
class PreparedEtc {
 public:
  /**
   * The mount namespace for a plan with these steps, for setns(2). Null if the plan makes nothing in /etc, or mounts
   * something around what it makes there.
   */
  Result<std::shared_ptr<const UniqueFd>> take(const std::vector<Step>& steps, const UniqueFd& empty);

  /** Whether a step of a plan with a prepared /etc is done there. */
  static bool has(const Step& step);

 private:
  /** Each takes some pages of memory. */
  static constexpr std::size_t kMost = 8;

  struct Known {
    std::string content;
    std::shared_ptr<const UniqueFd> mounts;
  };

  std::mutex mutex_;
  /** The last used one is the last. */
  std::vector<Known> known_;
};

}  // namespace buildjail
