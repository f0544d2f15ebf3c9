#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <atomic>
#include <string>
#include <utility>

#include "freebsd/devfs.h"
#include "freebsd/mounts.h"
#include "freebsd/parts/mount.h"
#include "plan/plan.h"

namespace buildjail {

/** /dev, with the nodes that a build needs and no other. */
class Devfs final : public Mount {
 public:
  /** `step` outlives it. `ruleset` is that of the session before, or 0. */
  Devfs(SessionJail& jail, const MountDev& step, std::atomic<int>& ruleset)
      : Mount(jail, step.target), step_(step), ruleset_(ruleset) {}

  Status make(Trace& trace) override {
    auto status = mount_ours(trace);
    return status ? show_devices(path(), step_) : status;
  }

 private:
  Status mount_ours(Trace& trace) {
    // Where it was there before, it is looked at once only: after the mount, which then holds it.
    const int known = ruleset_;
    if (known != 0) {
      auto mounted = mount_with(known, trace);
      if (!mounted) return std::move(mounted.error());
      if (*mounted) return {};
    }
    auto ruleset = ensure_devfs_ruleset();
    if (!ruleset) return std::move(ruleset.error());
    ruleset_ = *ruleset;
    auto mounted = mount_with(*ruleset, trace);
    if (!mounted) return std::move(mounted.error());
    return *mounted ? Status() : not_our_ruleset(*ruleset);
  }

  // The kernel has them, but statfs(2) shows none of a devfs (devfs_statfs).
  [[nodiscard]] int shown(int) const override { return 0; }

  /** False when the ruleset was another by then than ours; then nothing was mounted. */
  Result<bool> mount_with(int ruleset, Trace& trace) {
    jail().devfs_ruleset = ruleset;
    auto options = file_system("devfs", path());
    // defence: dev-shows-listed-devices
    options.add_string("ruleset", std::to_string(ruleset));
    if (auto status = mount(std::move(options), MNT_NOSUID | MNT_NOEXEC); !status) return std::move(status.error());
    // defence: rules-dev-looked-when
    auto is_ours = shows_our_nodes_only(path(), ruleset);
    if (!is_ours || *is_ours) return is_ours;
    TakingAway taking{.trace = trace};
    if (auto status = take_away(taking); !status) return std::move(status.error());
    return false;
  }

  const MountDev& step_;
  std::atomic<int>& ruleset_;
};

}  // namespace buildjail
