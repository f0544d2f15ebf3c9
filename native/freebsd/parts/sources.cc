#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/output.h"
#include "freebsd/iovec_list.h"
#include "freebsd/mounts.h"
#include "freebsd/parts.h"
#include "freebsd/parts/mount.h"
#include "freebsd/parts/nested.h"
#include "plan/plan.h"
#include "state/files.h"

namespace buildjail {

namespace {

// A directory that others write to changes its times between two looks at it.
constexpr int kLooks = 8;

// nullfs(4) shows everything of the lower file but its device. No program can make a file of another device look the
// same: the file system chooses its generation, and the clock its change time (stat(2)).
bool is_same_file(const struct stat& held, const struct stat& mounted) {
  return held.st_ino == mounted.st_ino && held.st_gen == mounted.st_gen && held.st_mode == mounted.st_mode &&
         held.st_uid == mounted.st_uid && held.st_gid == mounted.st_gid &&
         timespeccmp(&held.st_ctim, &mounted.st_ctim, ==) && timespeccmp(&held.st_birthtim, &mounted.st_birthtim, ==);
}

/**
 * Looks at what was mounted, by `look_at`, which is as fstat(2). ESTALE: it is not `source`, a descriptor that was
 * opened before the mount. nmount(2) knows sources by path only, and a path can come to mean another file at any
 * moment, so the mount is compared with the descriptor. Until that is done no build can reach the mount.
 */
template <class LookAt>
Result<struct stat> verify(const Bind& bind, int source, const std::string& path, const char* syscall, LookAt look_at) {
  for (int look = 0; look < kLooks; ++look) {
    struct stat held{};
    struct stat mounted{};
    if (::fstat(source, &held) != 0) return last_error("pin-source", "fstat", bind.source);
    if (look_at(mounted) != 0) return last_error("pin-source", syscall, path);
    // defence: mounted-looked
    if (is_same_file(held, mounted)) return mounted;
  }
  return SysError{.step = "pin-source",
                  .syscall = "fstat",
                  .err = ESTALE,
                  .path = bind.source,
                  .detail = "the source was exchanged while it was being mounted"};
}

/**
 * Options for a nullfs(4) of a directory or file of the host. A socket of the host in it must not be a way out
 * (mount_nullfs(8), nounixbypass).
 */
IovecList nullfs(const std::string& path, const std::string& source) {
  auto options = file_system("nullfs", path, source);
  // defence: sockets-host-not-reached
  options.add_flag("nounixbypass");
  return options;
}

/**
 * Why an input of such an owner is refused. A read-only nullfs passes on what sets ACLs and extended attributes. A
 * build that leases the owner could change these.
 */
SysError leasable_input(const Bind& bind, uid_t owner) {
  return {.step = "pin-source",
          .syscall = "fstat",
          .err = EPERM,
          .path = bind.source,
          .dest = bind.target,
          .detail = "it belongs to user " + std::to_string(owner) +
                    ", whom builds lease and who could change its ACL and its extended attributes; give it another "
                    "owner, or name the user of the build"};
}

std::uint64_t nanoseconds(const timespec& time) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec);
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
    if (auto status = mount_in(point->get(), options, MNT_NOSUID, bind_); !status) return status;
    return take(newest_below(jail().root));
  }

 private:
  const Bind& bind_;
};

/** A directory or file of the host, inside; maybe in another one, in which no name leads anywhere else. */
class Source final : public Mount {
 public:
  /** All outlive it. `outer` is the bind that it lies in, or null; `lease` is null unless it is an output. */
  Source(SessionJail& jail, const Bind& bind, const Bind* outer, const OutputLease* lease, NullfsIds& ids)
      : Mount(jail, bind.target), bind_(bind), outer_(outer), lease_(lease), ids_(ids) {}

  /** ESTALE: the source is not the file of the plan, or it was exchanged while it was mounted. */
  Status make(Trace&) override {
    UniqueFd pinned;
    if (lease_ == nullptr) {
      auto source = pin_source(bind_);
      if (!source) return std::move(source.error());
      pinned = std::move(*source);
    }
    const int source = lease_ == nullptr ? pinned.get() : lease_->directory();
    const auto shown = outer_ == nullptr ? mount_by_path(source) : mount_in_outer(source);
    if (!shown) return shown.error();
    if (bind_.is_writable) return {};
    // defence: input-user-whom-builds
    if (jail().leasable.contains(shown->st_uid)) return leasable_input(bind_, shown->st_uid);
    return {};
  }

 private:
  [[nodiscard]] int flags() const {
    // defence: inputs-read-only-2
    return MNT_NOSUID | (bind_.is_writable ? 0 : MNT_RDONLY);
  }

  Result<struct stat> mount_by_path(int source) {
    auto options = nullfs(path(), bind_.source);
    // As in Mount::mount.
    options.add_flag("nocover");
    if (auto status = nmount_options(options, flags(), "nmount", bind_.source); !status) {
      status.error().dest = bind_.target;
      return std::move(status.error());
    }
    auto shown =
        verify(bind_, source, path(), "lstat", [this](auto& found) { return ::lstat(path().c_str(), &found); });
    // Taken even if it shows another file, because it is ours to take away.
    auto status = take(shown ? ids_.at(path(), shown->st_dev, flags()) : fsid_at(path(), 0));
    if (shown && !status) return std::move(status.error());
    return shown;
  }

  Result<struct stat> mount_in_outer(int source) {
    if (outer_->is_overlay) {
      if (auto status = make_point_in_copy(jail().root, *outer_, bind_, jail().user); !status)
        return std::move(status.error());
    }
    const std::string_view where = bind_.target;
    const std::size_t last = where.rfind('/');
    const auto point = open_below(jail().root, bind_.is_file ? where.substr(0, std::max<std::size_t>(last, 1)) : where);
    if (!point) return point.error();
    const std::string name = bind_.is_file ? std::string(where.substr(last + 1)) : ".";
    if (bind_.is_file) {
      if (auto status = confirm_name(point->get(), name); !status) return std::move(status.error());
    }
    auto options = nullfs(name, bind_.source);
    if (outer_->is_overlay || !shows_its_point(*outer_, bind_)) options.add_flag("nocover");
    if (auto status = mount_in(point->get(), options, flags(), bind_); !status) return std::move(status.error());
    // Taken even if it shows another file, because it is ours to take away.
    if (auto status = take(newest_below(jail().root)); !status) return std::move(status.error());
    const auto shown = open_below(jail().root, bind_.target);
    if (!shown) return shown.error();
    auto found = verify(bind_, source, bind_.target, "fstat", [&](auto& it) { return ::fstat(shown->get(), &it); });
    if (!found) return found;
    struct statfs mounted{};
    if (::fstatfs(shown->get(), &mounted) != 0) return last_error("mount", "fstatfs", bind_.target);
    if ((static_cast<std::uint64_t>(flags()) & ~mounted.f_flags) == 0) return found;
    errno = EOPNOTSUPP;
    return last_error("mount", "fstatfs", bind_.target);
  }

  /** nmount(2) knows a file by its name alone, so no other user may be able to put a link there meanwhile. */
  [[nodiscard]] Status confirm_name(int folder, const std::string& name) const {
    struct stat around{};
    struct stat point{};
    if (::fstat(folder, &around) != 0) return last_error("mount-point", "fstat", bind_.target);
    if (::fstatat(folder, name.c_str(), &point, AT_SYMLINK_NOFOLLOW) != 0)
      return last_error("mount-point", "fstatat", bind_.target);
    const bool is_of_nobody_else = around.st_uid == 0 || jail().leasable.contains(around.st_uid);
    // A copy is the session's own, and no command runs in it yet.
    if (outer_->is_overlay && S_ISREG(point.st_mode)) return {};
    const bool is_shut = (around.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    const bool is_kept = (around.st_mode & S_ISVTX) != 0 && point.st_uid == 0;
    if (S_ISREG(point.st_mode) && is_of_nobody_else && (is_shut || is_kept)) return {};
    return SysError{.step = "mount-point",
                    .syscall = "fstatat",
                    .err = S_ISREG(point.st_mode) ? EPERM : EINVAL,
                    .path = bind_.target,
                    .detail = S_ISREG(point.st_mode)
                                  ? "others than root may write to the folder that it is in, and could put a link in "
                                    "its place, which nmount(2) would follow; mount a folder and not a single file"
                                  : "the mount point is no file"};
  }

  const Bind& bind_;
  const Bind* outer_;
  const OutputLease* lease_;
  NullfsIds& ids_;
};

}  // namespace

Status confirm_listed(const Listed& listed) {
  auto source = pin_source(listed.source);
  if (!source) return std::move(source.error());
  struct stat now{};
  const std::string& path = listed.source.source;
  if (::fstat(source->get(), &now) != 0) return last_error("pin-source", "fstat", path);
  // defence: folder-listed-planned
  if (nanoseconds(now.st_mtim) == listed.modified) return {};
  return SysError{.step = "pin-source",
                  .syscall = "fstat",
                  .err = ESTALE,
                  .path = path,
                  .dest = listed.target,
                  .detail =
                      "something in it was made or removed since the plan was made; plan it again, or let the build "
                      "user in (chmod 711)"};
}

void add_source(const JailOpening& opening, const Bind& bind, Parts& parts) {
  const auto found = opening.nesting.find(&bind);
  const Bind* const outer = found == opening.nesting.end() ? nullptr : found->second;
  if (bind.is_overlay) return add_copy(opening, bind, outer, parts);
  if (outer != nullptr && !outer->is_overlay && shows_its_point(*outer, bind))
    parts.push_back(std::make_unique<Padding>(opening.jail, bind));
  parts.push_back(std::make_unique<Source>(opening.jail, bind, outer, opening.lease_of(bind), opening.host.nullfs_ids));
}

}  // namespace buildjail
