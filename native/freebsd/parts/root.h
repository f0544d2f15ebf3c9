#pragma once

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "freebsd/mounts.h"
#include "freebsd/opening.h"
#include "freebsd/parts/mount.h"
#include "plan/plan.h"

namespace buildjail {

/** A file that everybody may read, with that in it. */
inline Status write_new_file(const std::string& path, std::string_view content) {
  constexpr mode_t kMode = 0644;
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!file) return last_error({}, "open", path);
  // The umask is the host program's, and not ours to change.
  if (::fchmod(file.get(), kMode) != 0) return last_error({}, "fchmod", path);
  const ssize_t written = ::write(file.get(), content.data(), content.size());
  if (written == static_cast<ssize_t>(content.size())) return {};
  // A part of it, where memory is short.
  if (written >= 0) errno = ENOSPC;
  return last_error({}, "write", path);
}

/** The root: a tmpfs, in which everything else is mounted. */
class Root final : public Mount {
 public:
  /** Both outlive it. */
  Root(SessionJail& jail, MountIds& ids) : Mount(jail, "/"), ids_(&ids) {}
  /** Of a dead session. */
  Root(SessionJail& jail, std::string fsid) : Mount(jail, jail.root, std::move(fsid)) {}
  static constexpr std::string_view kFacts = "root";
  static constexpr std::string_view kPath = "path";
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_rest) parts.push_back(std::make_unique<Root>(opening.jail, opening.host.tmpfs_ids));
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
  Status make(Trace&) override {
    if (auto status = mount_unseen(file_system("tmpfs", path()), MNT_NOSUID); !status) return status;
    struct stat root{};
    if (::lstat(path().c_str(), &root) != 0) return take(last_error("mount", "lstat", path()));
    jail().root_dev = root.st_dev;
    jail().root_ino = root.st_ino;
    return take(ids_->at(path(), root.st_dev, MNT_NOSUID));
  }

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

  /** Null of a dead session. */
  MountIds* ids_ = nullptr;
};

/** A directory, an empty file or a link in the root's own file system, with which it goes. */
class Skeleton final : public Part {
 public:
  using Wanted = std::variant<const MakeDirectory*, const MakeFile*, const MakeLink*, const WriteText*>;
  /** Both outlive it. */
  Skeleton(const std::string& root, Wanted wanted) : root_(root), wanted_(wanted) {}

  [[nodiscard]] std::string_view step() const override {
    static constexpr std::array<std::string_view, 4> kSteps{"mkdir", "create", "symlink", "write"};
    return kSteps.at(wanted_.index());
  }
  [[nodiscard]] std::string_view target() const override {
    return std::visit([](const auto* one) -> std::string_view { return one->target; }, wanted_);
  }
  Status make(Trace&) override {
    const std::string path = root_ + std::string(target());
    return std::visit([&path](const auto* one) { return make_at(path, *one); }, wanted_);
  }

 private:
  static Status make_at(const std::string& path, const MakeDirectory& directory) {
    if (::mkdir(path.c_str(), directory.mode) != 0) return last_error({}, "mkdir");
    // The umask is the host program's, and not ours to change.
    return ::chmod(path.c_str(), directory.mode) == 0 ? Status() : last_error({}, "chmod");
  }
  /** For another file to be mounted on. */
  static Status make_at(const std::string& path, const MakeFile&) {
    const UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    return made ? Status() : last_error({}, "open");
  }
  static Status make_at(const std::string& path, const WriteText& wanted) { return write_new_file(path, wanted.text); }
  static Status make_at(const std::string& path, const MakeLink& link) {
    return ::symlink(link.value.c_str(), path.c_str()) == 0 ? Status() : last_error({}, "symlink");
  }

  const std::string& root_;
  Wanted wanted_;
};

/** The root made read-only, once everything is mounted in it. It goes with the root. */
class Seal final : public PassingPart {
 public:
  /** `root` outlives it. */
  explicit Seal(const std::string& root) : root_(root) {}
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_sealed()) parts.push_back(std::make_unique<Seal>(opening.jail.root));
  }

  [[nodiscard]] std::string_view step() const override { return "seal-root"; }
  [[nodiscard]] std::string_view target() const override { return "/"; }
  Status make(Trace&) override {
    auto options = file_system("tmpfs", root_);
    options.add_errmsg();
    // defence: root-read-only-2
    return nmount_options(options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, "seal-root", "/");
  }

 private:
  const std::string& root_;
};

}  // namespace buildjail
