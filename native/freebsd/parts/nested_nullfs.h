#pragma once

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "envelope/output.h"
#include "freebsd/mounted_source.h"
#include "freebsd/mounts.h"
#include "freebsd/nested_mount.h"
#include "freebsd/parts/mount.h"
#include "plan/nesting.h"
#include "plan/planned_source.h"

namespace buildjail {

/** Whether `inner` shows the very folder that is its mount point. */
inline bool shows_its_point(const Bind& outer, const Bind& inner) {
  const std::string at = (outer.source == "/" ? "" : outer.source) + "/" + std::string(mount_point_in(outer, inner));
  return inner.source == at;
}

/**
 * An empty file system between a folder and itself: nullfs(4) refuses to be mounted on the folder that it shows
 * (EDEADLK).
 */
class Padding final : public Mount {
 public:
  /** Both outlive it. */
  Padding(SessionJail& jail, const Bind& bind) : Mount(jail, bind.target), bind_(bind) {}

  Status make(Trace&) override {
    const auto point = open_below(jail().root, target());
    if (!point) return point.error();
    auto options = empty_tmpfs(".", 4);
    options.add_flag("nocover");
    options.add_errmsg();
    if (auto status = mount_in(point->get(), options, MNT_NOSUID, bind_.source, bind_.target); !status) return status;
    return take(newest_below(jail().root));
  }

 private:
  const Bind& bind_;
};

/** A folder or file of the host in another that is mounted from there. No name in that leads anywhere else. */
class NestedNullfs final : public Mount {
 public:
  /** All outlive it. `lease` is null unless it is an output. */
  NestedNullfs(SessionJail& jail, const Bind& bind, const Bind& outer, const OutputLease* lease)
      : Mount(jail, bind.target), bind_(bind), lease_(lease), is_padded_(shows_its_point(outer, bind)) {}

  Status make(Trace&) override {
    UniqueFd pinned;
    if (lease_ == nullptr) {
      auto source = pin_source(bind_);
      if (!source) return std::move(source.error());
      pinned = std::move(*source);
    }
    const std::string_view where = bind_.target;
    const std::size_t last = where.rfind('/');
    const auto point = open_below(jail().root, bind_.is_file ? where.substr(0, std::max<std::size_t>(last, 1)) : where);
    if (!point) return point.error();
    const std::string name = bind_.is_file ? std::string(where.substr(last + 1)) : ".";
    if (bind_.is_file) {
      if (auto status = confirm_name(point->get(), name); !status) return status;
    }
    auto options = nullfs(name, bind_.source);
    if (!is_padded_) options.add_flag("nocover");
    options.add_errmsg();
    const int flags = nullfs_flags(bind_.is_writable);
    if (auto status = mount_in(point->get(), options, flags, bind_.source, bind_.target); !status) return status;
    // Whatever it shows, it is ours to take away.
    if (auto status = take(newest_below(jail().root)); !status) return status;
    return confirm(lease_ == nullptr ? pinned.get() : lease_->directory(), flags);
  }

 private:
  /** nmount(2) knows a file by its name alone, so nobody may be able to put a link there meanwhile. */
  [[nodiscard]] Status confirm_name(int folder, const std::string& name) const {
    struct stat around{};
    struct stat point{};
    if (::fstat(folder, &around) != 0) return last_error("mount-point", "fstat", bind_.target);
    if (::fstatat(folder, name.c_str(), &point, AT_SYMLINK_NOFOLLOW) != 0)
      return last_error("mount-point", "fstatat", bind_.target);
    const bool is_of_nobody_else = around.st_uid == 0 || jail().leasable.contains(around.st_uid);
    const bool is_shut = (around.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    const bool is_kept = (around.st_mode & S_ISVTX) != 0 && point.st_uid == 0;
    if (S_ISREG(point.st_mode) && is_of_nobody_else && (is_shut || is_kept)) return {};
    return SysError{.step = "mount-point",
                    .syscall = "fstatat",
                    .err = S_ISREG(point.st_mode) ? EPERM : EINVAL,
                    .path = bind_.target,
                    .dest = {},
                    .detail = S_ISREG(point.st_mode)
                                  ? "others than root may write to the folder that it is in, and could put a link in "
                                    "its place, which nmount(2) would follow; mount a folder and not a single file"
                                  : "the mount point is no file"};
  }

  Status confirm(int source, int flags) const {
    const auto shown = open_below(jail().root, bind_.target);
    if (!shown) return shown.error();
    const auto found = verify_shown(bind_, source, shown->get());
    if (!found) return found.error();
    struct statfs mounted{};
    if (::fstatfs(shown->get(), &mounted) != 0) return last_error("mount", "fstatfs", bind_.target);
    if ((static_cast<std::uint64_t>(flags) & ~mounted.f_flags) != 0) {
      errno = EOPNOTSUPP;
      return last_error("mount", "fstatfs", bind_.target);
    }
    if (bind_.is_writable || !jail().leasable.contains(found->st_uid)) return {};
    return leasable_input(bind_, found->st_uid);
  }

  const Bind& bind_;
  const OutputLease* lease_;
  bool is_padded_;
};

}  // namespace buildjail
