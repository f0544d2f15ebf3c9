#pragma once

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "envelope/part.h"
#include "freebsd/devfs.h"
#include "freebsd/mounts.h"
#include "freebsd/opening.h"
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

/**
 * The devices of /dev that a build that is root can revoke(2) for the whole host, as the kernel lets root of every
 * jail. The close of its session reports that, because programs of the host stop working. This is one of the
 * first parts, so that nothing else stays for its sake.
 */
class WatchedDevices final : public PassingPart {
 public:
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_rest && opening.plan.user.uid == 0) parts.push_back(std::make_unique<WatchedDevices>());
  }

  Status make(Trace&) override {
    for (Device& device : devices_) {
      device.fd.reset(::open(device.path, O_RDONLY | O_CLOEXEC));
      if (!device.fd) return last_error(kStep, "open", device.path);
    }
    return {};
  }

  /** EBADF, once, when one was revoked. */
  Status take_away(TakingAway&) override {
    std::string revoked;
    for (Device& device : devices_) {
      struct stat found{};
      if (device.fd && ::fstat(device.fd.get(), &found) != 0 && errno == EBADF)
        revoked += (revoked.empty() ? "" : " ") + std::string(device.path);
      device.fd.reset();
    }
    if (revoked.empty()) return {};
    return SysError{.step = kStep,
                    .syscall = "fstat",
                    .err = EBADF,
                    .path = revoked,
                    .dest = {},
                    .detail =
                        "revoked while a build that is root was running: every program of this host that had it "
                        "open must open it again"};
  }

 private:
  struct Device {
    const char* path;
    UniqueFd fd;
  };

  static constexpr const char* kStep = "devices";

  std::array<Device, 3> devices_{{{"/dev/null", {}}, {"/dev/zero", {}}, {"/dev/random", {}}}};
};

}  // namespace buildjail
