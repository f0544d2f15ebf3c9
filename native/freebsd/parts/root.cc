#include "freebsd/parts/root.h"

#include <sys/param.h>
#include <sys/mount.h>

#include <cerrno>
#include <chrono>

#include "freebsd/mounts.h"
#include "freebsd/shared_memory.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kDyingBound{50};

}  // namespace

Status Root::make(Trace&) {
  // No size, owner or mode: a tmpfs that was given one cannot be made read-only later (tmpfs_mount, its update
  // options).
  return mount(file_system("tmpfs", path()), MNT_NOSUID);
}

// A dying jail holds its root directory, for as long as a connection of it is in TIME_WAIT (jail(8)). Where no process
// does, the root's own tmpfs is nobody's but ours: that one may be forced.
Status Root::take_away(TakingAway& taking) {
  if (fsid().empty() || !jail().is_known()) return Mount::take_away(taking);
  remove_shared_memory(path());
  BackOff back_off(kDyingBound);
  auto status = unmount(taking.trace, [&back_off] { return back_off.wait(); });
  if (status || status.error().err != EBUSY || !status.error().holders.empty()) return status;
  if (status = unmount_target(fsid(), MNT_FORCE); !status) {
    status.error().path = path();
    return status;
  }
  forget(taking.trace, "unmount-forced");
  jail().is_root_forced = true;
  return {};
}

}  // namespace buildjail
