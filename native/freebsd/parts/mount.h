#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "envelope/part.h"
#include "freebsd/iovec_list.h"
#include "freebsd/mounts.h"
#include "freebsd/session_jail.h"
#include "plan/plan.h"

namespace buildjail {

/** Something mounted in the root, or the root itself. It is unmounted by its FSID, so that no path can mislead that. */
class Mount : public Part {
 public:
  /** Of a dead session, as the kernel lists it. */
  Mount(SessionJail& jail, std::string path, std::string fsid);

  [[nodiscard]] std::string_view step() const override { return "nmount"; }
  [[nodiscard]] std::string_view target() const override { return target_; }
  Status take_away(TakingAway& taking) override;
  /** Where it is mounted. */
  [[nodiscard]] std::string_view place() const override { return path_; }

 protected:
  /** To be mounted at `target`, which outlives it. */
  Mount(SessionJail& jail, std::string_view target);

  /** nmount(2), and a look at the FSID and at what of `flags` the kernel has given. */
  Status mount(IovecList options, int flags);
  /** Only nmount(2): `take` comes next. */
  Status mount_unseen(IovecList options, int flags);
  /** Those of the flags that statfs(2) shows, if the kernel has given them: all, unless the file system says otherwise.
   */
  [[nodiscard]] virtual int shown(int flags) const;
  /** Keeps the FSID of what was just mounted. Where it could not be had, that is unmounted by its path at once. */
  Status take(Result<std::string> fsid);
  /** Tries again while the mount is busy and `wait` is true. An EBUSY names the holders. */
  Status unmount(TakingAway& taking, const std::function<bool()>& wait);

  [[nodiscard]] SessionJail& jail() const noexcept { return jail_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /** Empty while nothing is mounted. */
  [[nodiscard]] const std::string& fsid() const noexcept { return fsid_; }
  void forget(TakingAway& taking, const char* step);

 private:
  SessionJail& jail_;
  std::string_view target_;
  std::string path_;
  std::string fsid_;
};

/** A file system in memory of the build's own. */
class Tmpfs final : public Mount {
 public:
  /** `step` outlives it. */
  Tmpfs(SessionJail& jail, const MountTmpfs& step) : Mount(jail, step.target), size_(step.size), files_(step.files) {}

  Status make(Trace&) override {
    // defence: file-system-memory-spec
    const std::uint64_t files = std::max(files_ + 1, kFewest);
    auto options = empty_tmpfs(path(), files);
    if (size_ > 0) options.add_string("size", std::to_string(size_));
    return mount(std::move(options), MNT_NOSUID);
  }

 private:
  /** With the root; of fewer the kernel makes a number of its own (tmpfs_mount). */
  static constexpr std::uint64_t kFewest = 4;

  std::uint64_t size_, files_;
};

/** procfs(5), which shows the processes of the jail alone. */
class Procfs final : public Mount {
 public:
  /** `step` outlives it. */
  Procfs(SessionJail& jail, const MountProc& step) : Mount(jail, step.target) {}
  Status make(Trace&) override { return mount(file_system("procfs", path()), MNT_NOSUID | MNT_NOEXEC); }
};

}  // namespace buildjail
