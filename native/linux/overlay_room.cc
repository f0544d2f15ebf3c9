#include "linux/overlay_room.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "linux/overlay_errors.h"
#include "linux/raw_calls.h"
#include "linux/source_copy.h"

namespace buildjail {

namespace {

constexpr const char* kTmp = "tmp";
constexpr const char* kTmpInside = "/tmp";
constexpr mode_t kPermissions = 07777;

bool stop(Stopped& stopped, const char* syscall, const char* path, const char* dest = "") {
  stopped = {.step = kOverlay, .syscall = syscall, .err = errno, .path = path, .dest = dest, .detail = ""};
  return false;
}

enum class Marks : std::uint8_t { kTrusted, kUser, kNone };

/**
 * By which attributes overlayfs marks what was removed or replaced: nobody inside has a name for them in either case.
 * Those of the trusted namespace are for who has CAP_SYS_ADMIN over the host (xattr(7)).
 */
Marks marks_of(const char* folder) {
  if (::setxattr(folder, "trusted.buildjail", "", 0, 0) == 0) return Marks::kTrusted;
  return ::setxattr(folder, "user.buildjail", "", 0, 0) == 0 ? Marks::kUser : Marks::kNone;
}

struct Option {
  const char* key;
  const char* value;
};

// What a source says of itself by attributes leads nowhere: no file of it stands for another one that lies elsewhere
// (Documentation/filesystems/overlayfs.rst, redirect_dir, metacopy).
constexpr auto kOptions = std::to_array<Option>({{"source", "overlay"},
                                                 {"redirect_dir", "nofollow"},
                                                 {"metacopy", "off"},
                                                 {"index", "off"},
                                                 {"nfs_export", "off"},
                                                 {"xino", "auto"}});

}  // namespace

OverlayRoom::OverlayRoom(std::size_t count) {
  names_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string folder = std::to_string(i);
    names_.push_back({.folder = folder, .lower = folder + "/l", .upper = folder + "/u", .work = folder + "/w"});
  }
}

bool OverlayRoom::take(int root, Stopped& stopped) {
  room_ = ::open(kTmp, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (room_ < 0) return stop(stopped, "open", kTmpInside);
  struct stat found{};
  if (::fstat(room_, &found) != 0) return stop(stopped, "fstat", kTmpInside);
  if (::mkdirat(room_, kTmp, 0) != 0) return stop(stopped, "mkdirat", kTmpInside);
  if (::fchownat(room_, kTmp, found.st_uid, found.st_gid, 0) != 0) return stop(stopped, "fchownat", kTmpInside);
  if (::fchmodat(room_, kTmp, found.st_mode & kPermissions, 0) != 0) return stop(stopped, "fchmodat", kTmpInside);
  const UniqueFd inside(::openat(room_, kTmp, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!inside) return stop(stopped, "openat", kTmpInside);
  const UniqueFd tmp = copy_of(inside, 0);
  if (!tmp) return stop(stopped, "open_tree", kTmpInside);
  // Over the root, where no path leads that begins in it. Layers have to be mounted somewhere (clone_private_mount).
  if (raw::move_mount_onto(room_, root) != 0) return stop(stopped, "move_mount", kTmpInside);
  if (raw::move_mount(tmp.get(), AT_FDCWD, kTmp) != 0) return stop(stopped, "move_mount", kTmpInside);
  return true;
}

UniqueFd OverlayRoom::mount(const UniqueFd& source, const Bind& bind, int root, Stopped& stopped) {
  const char* const target = bind.target.c_str();
  const auto stopped_at = [&](const char* syscall) {
    stop(stopped, syscall, bind.source.c_str(), target);
    return UniqueFd();
  };
  const Names& names = names_.at(next_++);
  if (::fchdir(room_) != 0) return stopped_at("fchdir");
  for (const std::string* const name : {&names.folder, &names.lower, &names.upper, &names.work}) {
    if (::mkdir(name->c_str(), 0700) != 0) return stopped_at("mkdir");
  }
  // The folder itself is the upper one's.
  struct stat found{};
  if (::fstat(source.get(), &found) != 0) return stopped_at("fstat");
  const char* const upper = names.upper.c_str();
  if (::chown(upper, found.st_uid, found.st_gid) != 0) return stopped_at("chown");
  if (::chmod(upper, found.st_mode & kPermissions) != 0) return stopped_at("chmod");
  const std::array times{found.st_atim, found.st_mtim};
  if (::utimensat(AT_FDCWD, upper, times.data(), 0) != 0) return stopped_at("utimensat");
  if (raw::move_mount(source.get(), AT_FDCWD, names.lower.c_str()) != 0) return stopped_at("move_mount");
  const Marks marks = marks_of(names.work.c_str());
  if (marks == Marks::kNone) return stopped_at("setxattr");
  const UniqueFd fs(raw::fsopen("overlay"));
  if (!fs) return stopped_at("fsopen");
  const auto is_set = [&fs](const char* key, const char* value) {
    return raw::fsconfig(fs.get(), raw::kFsSetString, key, value) == 0;
  };
  for (const auto& [key, value] : kOptions) {
    if (!is_set(key, value)) return stopped_at("fsconfig");
  }
  if (marks == Marks::kUser && raw::fsconfig(fs.get(), raw::kFsSetFlag, "userxattr", nullptr) != 0)
    return stopped_at("fsconfig");
  if (!is_set("lowerdir", names.lower.c_str()) || !is_set("upperdir", upper) || !is_set("workdir", names.work.c_str()))
    return stopped_at("fsconfig");
  if (raw::fsconfig(fs.get(), raw::kFsCreate, nullptr, nullptr) != 0) return stopped_at("fsconfig");
  // defence: overlay-neither-devices-nor
  UniqueFd overlay(raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoDev));
  if (!overlay) return stopped_at("fsmount");
  if (::fchdir(root) != 0) return stopped_at("fchdir");
  return overlay;
}

bool OverlayRoom::leave(int root, Stopped& stopped) {
  if (::fchdir(room_) != 0) return stop(stopped, "fchdir", kTmpInside);
  // defence: layers-overlay-no-name
  if (::umount2(".", MNT_DETACH) != 0) return stop(stopped, "umount2", kTmpInside);
  return ::fchdir(root) == 0 || stop(stopped, "fchdir", kTmpInside);
}

}  // namespace buildjail
