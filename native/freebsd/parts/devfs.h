#pragma once

#include <atomic>

#include "freebsd/parts/mount.h"
#include "plan/plan.h"

namespace buildjail {

/** /dev, with the nodes that a build needs and no other. */
class Devfs final : public Mount {
 public:
  /** `step` outlives it. `ruleset` is that of the session before, or 0. */
  Devfs(SessionJail& jail, const MountDev& step, std::atomic<int>& ruleset)
      : Mount(jail, step.target), ruleset_(ruleset) {}
  Status make(Trace& trace) override;

 private:
  /** False when the ruleset was another by then than ours; then nothing was mounted. */
  Result<bool> mount_with(int ruleset, Trace& trace);

  std::atomic<int>& ruleset_;
};

}  // namespace buildjail
