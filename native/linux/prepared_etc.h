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
 * The /etc of sessions, made once: a file costs more to write than a mount. For each content there is a copy of the
 * empty mounts (empty_mounts.h) with a read-only file system at /etc, which has all that a plan makes there. A session
 * copies those mounts instead, and moves that one into its root. Any thread.
 */
class PreparedEtc {
 public:
  /**
   * The mount namespace for a plan with these steps; null where it makes nothing in /etc, or has something there that
   * has to be made in its own root.
   */
  Result<std::shared_ptr<const UniqueFd>> take(const std::vector<Step>& steps, const UniqueFd& empty);

  /** Of a plan with a prepared /etc: whether the step is done there. */
  static bool has(const Step& step);

 private:
  /** Each takes some pages of memory. */
  static constexpr std::size_t kMost = 8;

  struct Known {
    std::string content;
    std::shared_ptr<const UniqueFd> space;
  };

  std::mutex mutex_;
  /** The one that was used last is the last. */
  std::vector<Known> known_;
};

}  // namespace buildjail
