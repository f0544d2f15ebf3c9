#include "linux/overlays.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "linux/raw_calls.h"

namespace buildjail {

namespace {

/** A reason for which the kernel refuses overlays. */
struct KnownRefusal {
  std::string_view syscall;
  int err;
  const char* problem;
  const char* remedy;
};

constexpr const char* kNewer = "use Linux 5.19 or later as root, and 6.6 or later as an ordinary user";

constexpr KnownRefusal kKnownRefusals[] = {
    {"mount_setattr", EINVAL, "the file system of the source, or this kernel, shows no files as another user's",
     "keep the source on ext4, xfs, btrfs or tmpfs, and use Linux 5.19 or later"},
    {"mount_setattr", EPERM, "this process may not show the files of that file system as another user's",
     "keep the source on a file system of this container, such as a tmpfs, or run it outside of the container"},
    {"fsopen", ENODEV, "this kernel has no overlayfs", "modprobe overlay as root"},
    {"fsopen", EPERM, "this kernel lets only root have an overlayfs", kNewer},
    {"setxattr", EOPNOTSUPP, "a tmpfs of this kernel keeps no extended attributes, which overlayfs needs",
     "use Linux 6.6 or later with CONFIG_TMPFS_XATTR"},
    {"fsconfig", EINVAL, "overlayfs of this kernel does not take the source for a lower layer",
     "use Linux 5.19 or later, and a source that is not two overlays deep itself"},
    {"fsconfig", EPERM, "overlayfs of this kernel is not for ordinary users", kNewer},
    {"fsconfig", ELOOP, "the source lies two overlays deep", "keep the source on another file system"},
};

const KnownRefusal* known_refusal(const SysError& error) {
  if (error.step != kOverlay) return nullptr;
  for (const KnownRefusal& one : kKnownRefusals) {
    if (one.syscall == error.syscall && one.err == error.err) return &one;
  }
  return nullptr;
}

constexpr const char* kTmp = "tmp";
constexpr const char* kTmpInside = "/tmp";
constexpr mode_t kPermissions = 07777;
constexpr const char* kLower = "lower";
constexpr const char* kUpper = "upper";
constexpr const char* kWork = "work";

// Attributes of a source lead nowhere: no file of it stands for a file elsewhere (overlayfs.rst, redirect_dir,
// metacopy).
constexpr auto kOptions = std::to_array<std::pair<const char*, const char*>>({{"source", "overlay"},
                                                                              {"redirect_dir", "nofollow"},
                                                                              {"metacopy", "off"},
                                                                              {"index", "off"},
                                                                              {"nfs_export", "off"},
                                                                              {"xino", "auto"}});

}  // namespace

SysError no_overlay(const Bind& overlay, const std::string& problem, const std::string& remedy) {
  return {.step = kOverlay,
          .syscall = "mount",
          .err = ENOTSUP,
          .path = overlay.source,
          .dest = overlay.target,
          .detail = problem,
          .remedy = remedy};
}

SysError explain_overlay(SysError error) {
  const KnownRefusal* const why = known_refusal(error);
  if (why == nullptr) return error;
  error.detail = std::string(why->problem) + " (" + error.syscall + ": " + errno_name(error.err) + ")";
  error.remedy = why->remedy;
  error.syscall = "mount";
  error.err = ENOTSUP;
  return error;
}

std::optional<Obstacle> overlay_obstacle(const SysError& error) {
  const KnownRefusal* const why = known_refusal(error);
  if (why == nullptr) return std::nullopt;
  return Obstacle{kOverlay, std::string("inputs cannot be overlays: ") + why->problem, why->remedy};
}

bool OverlayRoom::take(int root, Stopped& stopped) {
  room_ = ::open(kTmp, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (room_ < 0) return stopped.at(kOverlay, "open", kTmpInside);
  struct stat found{};
  if (::fstat(room_, &found) != 0) return stopped.at(kOverlay, "fstat", kTmpInside);
  if (::mkdirat(room_, kTmp, 0) != 0) return stopped.at(kOverlay, "mkdirat", kTmpInside);
  if (::fchownat(room_, kTmp, found.st_uid, found.st_gid, 0) != 0) return stopped.at(kOverlay, "fchownat", kTmpInside);
  if (::fchmodat(room_, kTmp, found.st_mode & kPermissions, 0) != 0)
    return stopped.at(kOverlay, "fchmodat", kTmpInside);
  const UniqueFd inside(::openat(room_, kTmp, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!inside) return stopped.at(kOverlay, "openat", kTmpInside);
  const UniqueFd tmp(raw::copy_mount(inside.get()));
  if (!tmp) return stopped.at(kOverlay, "open_tree", kTmpInside);
  // Layers have to be mounted somewhere (clone_private_mount()). On top of the root no path that begins in it gets
  // there.
  if (raw::move_mount_onto(room_, root) != 0) return stopped.at(kOverlay, "move_mount", kTmpInside);
  if (raw::move_mount(tmp.get(), AT_FDCWD, kTmp) != 0) return stopped.at(kOverlay, "move_mount", kTmpInside);
  return true;
}

UniqueFd OverlayRoom::mount(const UniqueFd& source, const Bind& bind, int root, Stopped& stopped) {
  const char* const target = bind.target.c_str();
  const auto stopped_at = [&](const char* syscall) {
    stopped.at(kOverlay, syscall, bind.source.c_str(), target);
    return UniqueFd();
  };
  // A folder for each overlay, with those of its layers in it.
  std::array<char, 24> folder{};
  std::to_chars(folder.data(), folder.data() + folder.size() - 1, next_++);
  if (::fchdir(room_) != 0) return stopped_at("fchdir");
  if (::mkdir(folder.data(), 0700) != 0) return stopped_at("mkdir");
  if (::chdir(folder.data()) != 0) return stopped_at("chdir");
  for (const char* const name : {kLower, kUpper, kWork}) {
    if (::mkdir(name, 0700) != 0) return stopped_at("mkdir");
  }
  // The top folder of an overlay has the attributes of the upper layer.
  struct stat found{};
  if (::fstat(source.get(), &found) != 0) return stopped_at("fstat");
  if (::chown(kUpper, found.st_uid, found.st_gid) != 0) return stopped_at("chown");
  if (::chmod(kUpper, found.st_mode & kPermissions) != 0) return stopped_at("chmod");
  const std::array times{found.st_atim, found.st_mtim};
  if (::utimensat(AT_FDCWD, kUpper, times.data(), 0) != 0) return stopped_at("utimensat");
  if (raw::move_mount(source.get(), AT_FDCWD, kLower) != 0) return stopped_at("move_mount");
  // By attributes overlayfs marks removed and replaced files. No process inside can name them. Those of the trusted
  // namespace need CAP_SYS_ADMIN over the host (xattr(7)).
  const bool has_trusted = ::setxattr(kWork, "trusted.buildjail", "", 0, 0) == 0;
  if (!has_trusted && ::setxattr(kWork, "user.buildjail", "", 0, 0) != 0) return stopped_at("setxattr");
  const UniqueFd fs(raw::fsopen("overlay"));
  if (!fs) return stopped_at("fsopen");
  const auto is_set = [&fs](const char* key, const char* value) {
    return raw::fsconfig(fs.get(), raw::kFsSetString, key, value) == 0;
  };
  for (const auto& [key, value] : kOptions) {
    if (!is_set(key, value)) return stopped_at("fsconfig");
  }
  if (!has_trusted && raw::fsconfig(fs.get(), raw::kFsSetFlag, "userxattr", nullptr) != 0)
    return stopped_at("fsconfig");
  if (!is_set("lowerdir", kLower) || !is_set("upperdir", kUpper) || !is_set("workdir", kWork))
    return stopped_at("fsconfig");
  if (raw::fsconfig(fs.get(), raw::kFsCreate, nullptr, nullptr) != 0) return stopped_at("fsconfig");
  // defence: overlay-neither-devices-nor
  UniqueFd overlay(raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoDev));
  if (!overlay) return stopped_at("fsmount");
  if (::fchdir(root) != 0) return stopped_at("fchdir");
  return overlay;
}

bool OverlayRoom::leave(int root, Stopped& stopped) {
  if (::fchdir(room_) != 0) return stopped.at(kOverlay, "fchdir", kTmpInside);
  // defence: layers-overlay-no-name
  if (::umount2(".", MNT_DETACH) != 0) return stopped.at(kOverlay, "umount2", kTmpInside);
  return ::fchdir(root) == 0 || stopped.at(kOverlay, "fchdir", kTmpInside);
}

Status confirm_whole_overlays(const std::vector<Step>& steps, MountTable& mounts) {
  const auto binds = binds_of(steps);
  for (const Bind* const overlay : overlays_of(steps)) {
    const auto below = mounts.mounted_below(overlay->source);
    if (!below) return below.error();
    for (const std::string& path : *below) {
      const std::string inside = overlay->target + path.substr(overlay->source.size());
      const bool is_covered = std::ranges::any_of(binds, [&](const Bind* bind) {
        return is_below(bind->target, overlay->target) && is_within(inside, bind->target);
      });
      // defence: mounted-source-overlay-not
      if (!is_covered)
        return no_overlay(*overlay, path + " is mounted in the folder, and an overlay does not show it",
                          "make what is mounted there an input of its own, at its place in the overlay");
    }
  }
  return {};
}

}  // namespace buildjail
