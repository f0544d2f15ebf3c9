#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include "freebsd/mounts.h"
#include "freebsd/parts/mount.h"
#include "plan/plan.h"

namespace buildjail {

/** procfs(5), which shows the processes of the jail alone. */
class Procfs final : public Mount {
 public:
  /** `step` outlives it. */
  Procfs(SessionJail& jail, const MountProc& step) : Mount(jail, step.target) {}
  Status make(Trace&) override { return mount(file_system("procfs", path()), MNT_NOSUID | MNT_NOEXEC); }
};

}  // namespace buildjail
