#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/back_off.h"
#include "base/result.h"
#include "envelope/part.h"
#include "freebsd/mounts.h"
#include "freebsd/opening.h"
#include "freebsd/parts/mount.h"

namespace buildjail {

/** The root: a tmpfs, in which everything else is mounted. */
class Root final : public Mount {
 public:
  explicit Root(SessionJail& jail) : Mount(jail, "/") {}
  /** Of a dead session. */
  Root(SessionJail& jail, std::string fsid) : Mount(jail, jail.root, std::move(fsid)) {}
  static constexpr std::string_view kFacts = "root";
  static constexpr std::string_view kPath = "path";
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_rest) parts.push_back(std::make_unique<Root>(opening.jail));
  }
  /** With everything that is mounted below it, as the kernel lists it: the oldest first (getfsstat(2)). */
  static Status add_left(const DeadJailSession& dead, Parts& parts) {
    SessionJail& jail = dead.jail;
    const auto table = mount_table();
    if (!table) return table.error();
    for (const MountEntry& mount : *table) {
      if (mount.on == jail.root) parts.push_back(std::make_unique<Root>(jail, mount.fsid));
      if (mount.on.starts_with(jail.root + "/")) parts.push_back(std::make_unique<Mount>(jail, mount.on, mount.fsid));
    }
    return {};
  }

  [[nodiscard]] std::vector<Fact> facts() const override { return {{std::string(kFacts), std::string(kPath), path()}}; }

  // No size, owner or mode: a tmpfs that was given one cannot be made read-only later (tmpfs_mount, its update
  // options).
  Status make(Trace&) override { return mount(file_system("tmpfs", path()), MNT_NOSUID); }

  // A dying jail holds its root directory, for as long as a connection of it is in TIME_WAIT (jail(8)). If no process
  // holds it, the root's own tmpfs is ours alone and may be forced.
  //
  // Shared memory of large pages holds no jail back, and stays when that is gone.
  Status take_away(TakingAway& taking) override {
    // defence: shared-memory-large-pages
    jail().remove_shared_memory();
    if (fsid().empty() || !jail().is_known()) return Mount::take_away(taking);
    Status status;
    // A jail with a network stack of its own is kept by us until after this.
    if (!jail().network) {
      BackOff back_off(kDyingBound);
      status = unmount(taking, [&back_off] { return back_off.wait(); });
      if (status || status.error().err != EBUSY || !status.error().holders.empty()) return status;
    }
    if (status = unmount_target(fsid(), MNT_FORCE); !status) {
      status.error().path = path();
      return status;
    }
    forget(taking, "unmount-forced");
    jail().is_root_forced = true;
    return {};
  }

 private:
  static constexpr std::chrono::milliseconds kDyingBound{50};
};

/** The root made read-only, once everything is mounted in it. It goes with the root. */
struct Seal : Part {
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_sealed()) return;
    auto make = [&root = opening.jail.root] {
      auto options = file_system("tmpfs", root);
      // defence: root-read-only-2
      return nmount_options(options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, "seal-root", "/");
    };
    parts.push_back(std::make_unique<Act>("seal-root", "/", std::move(make)));
  }
};

}  // namespace buildjail
