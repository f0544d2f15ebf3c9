#include "linux/overlays.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/tolerated.h"
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
    {"open_tree", EINVAL, "something is mounted in the folder, which without root cannot be left out",
     "unmount it, or run it as root"},
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
// The owner that the last fstat(2) found.
constexpr ScratchWord kFoundUid{offsetof(struct stat, st_uid)};
constexpr ScratchWord kFoundGid{offsetof(struct stat, st_gid)};
constexpr ScratchWord kFoundMode{offsetof(struct stat, st_mode)};
constexpr const char* kLower = "lower";
constexpr const char* kUpper = "upper";
constexpr const char* kWork = "work";
// Setting one of them on the work folder shows where the overlay keeps its marks.
constexpr const char* kOfSystem = "trusted.buildjail";
constexpr const char* kOfUser = "user.buildjail";

// So that no attribute of a source makes one of its files stand for another file (overlayfs.rst, redirect_dir,
// metacopy).
constexpr auto kOptions = std::to_array<std::pair<const char*, const char*>>({{"source", "overlay"},
                                                                              {"redirect_dir", "nofollow"},
                                                                              {"metacopy", "off"},
                                                                              {"index", "off"},
                                                                              {"nfs_export", "off"},
                                                                              {"xino", "auto"},
                                                                              {"lowerdir", kLower},
                                                                              {"upperdir", kUpper},
                                                                              {"workdir", kWork}});

}  // namespace

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
  return Obstacle{kOverlay, std::string("inputs cannot be overlays, and are copied: ") + why->problem, why->remedy};
}

std::vector<const Bind*> layered_of(const std::vector<Step>& steps) {
  auto overlays = overlays_of(steps);
  std::erase_if(overlays, [](const Bind* overlay) { return overlay->is_copy; });
  return overlays;
}

void take_room(InitCalls& calls) {
  const CallSite site{.step = kOverlay, .path = kTmpInside};
  calls.make(site, kCall_openat, {kHere, kTmp, O_PATH | O_DIRECTORY | O_CLOEXEC}).into(kRoomSlot);
  calls.make(site, kCall_fstat, {kRoomSlot, Scratch()});
  calls.make(site, kCall_mkdirat, {kRoomSlot, kTmp, 0});
  calls.make(site, kCall_fchownat, {kRoomSlot, kTmp, kFoundUid, kFoundGid, 0});
  calls.make(site, kCall_fchmodat, {kRoomSlot, kTmp, kFoundMode});
  calls.make(site, kCall_open_tree, {kRoomSlot, kTmp, raw::kTreeClone | raw::kTreeCloseOnExec}).into(kCopied);
  // Layers have to be mounted somewhere (clone_private_mount()). On top of the root, no path that begins in it reaches
  // them.
  calls.make(site, kCall_move_mount, {kRoomSlot, "", kRootSlot, "", raw::kMoveFromEmptyPath | raw::kMoveToEmptyPath});
  calls.make(site, kCall_move_mount, {kCopied, "", kHere, kTmp, raw::kMoveFromEmptyPath});
}

void make_overlay(Slot source, const Bind& bind, const std::string& folder, InitCalls& calls) {
  const CallSite site{.step = kOverlay, .path = bind.source, .dest = bind.target};
  calls.make(site, kCall_fchdir, {kRoomSlot});
  calls.make(site, kCall_mkdirat, {kHere, folder, 0700});
  calls.make(site, kCall_chdir, {folder});
  for (const char* const name : {kLower, kUpper, kWork}) calls.make(site, kCall_mkdirat, {kHere, name, 0700});
  // The top folder of an overlay has the attributes of the upper layer.
  calls.make(site, kCall_fstat, {source, Scratch()});
  calls.make(site, kCall_fchownat, {kHere, kUpper, kFoundUid, kFoundGid, 0});
  calls.make(site, kCall_fchmodat, {kHere, kUpper, kFoundMode});
  static_assert(offsetof(struct stat, st_mtim) == offsetof(struct stat, st_atim) + sizeof(timespec));
  calls.make(site, kCall_utimensat, {kHere, kUpper, Scratch{offsetof(struct stat, st_atim)}, 0});
  calls.make(site, kCall_move_mount, {source, "", kHere, kLower, raw::kMoveFromEmptyPath});
  calls.make(site, kCall_fsopen, {"overlay", raw::kFsCloseOnExec}).into(kOpened);
  // The attributes by which overlayfs marks removed and replaced files. No process inside can set them. The trusted
  // namespace needs CAP_SYS_ADMIN over the host (xattr(7)).
  {
    const Tolerated tolerated("the marks are then those of the user namespace", EPERM);
    calls.make(site, kCall_setxattr, {kWork, kOfSystem, "", 0, 0}).may_fail(EPERM).unless_it_works(2);
  }
  calls.make(site, kCall_setxattr, {kWork, kOfUser, "", 0, 0});
  calls.make(site, kCall_fsconfig, {kOpened, raw::kFsSetFlag, "userxattr", 0, 0});
  for (const auto& [key, value] : kOptions)
    calls.make(site, kCall_fsconfig, {kOpened, raw::kFsSetString, key, value, 0});
  calls.make(site, kCall_fsconfig, {kOpened, raw::kFsCreate, 0, 0, 0});
  // defence: overlay-neither-devices-nor
  calls.make(site, kCall_fsmount, {kOpened, raw::kFsCloseOnExec, raw::kNoSuid | raw::kNoDev}).into(kCopied);
  calls.make(site, kCall_fchdir, {kRootSlot});
}

void leave_room(InitCalls& calls) {
  const CallSite site{.step = kOverlay, .path = kTmpInside};
  calls.make(site, kCall_fchdir, {kRoomSlot});
  // defence: layers-overlay-no-name
  calls.make(site, kCall_umount2, {".", MNT_DETACH});
  calls.make(site, kCall_fchdir, {kRootSlot});
  calls.show(kRoomSlot);
}

std::string upper_in(const std::string& folder) { return folder + "/" + kUpper; }

Result<std::string> marks_of(const char* step, const std::string& upper) {
  const std::string work = upper + "/../" + kWork;
  if (::getxattr(work.c_str(), kOfUser, nullptr, 0) == 0) return std::string("user.overlay.");
  // A tmpfs before Linux 6.6 has no attributes of users.
  if (errno != ENODATA && errno != EOPNOTSUPP) return last_error(step, "getxattr", work);
  // defence: only-marks-of-own-overlay
  return std::string("trusted.overlay.");
}

Status confirm_whole_overlays(const std::vector<Step>& steps, MountTable& mounts) {
  const auto binds = binds_of(steps);
  for (const Bind* const overlay : overlays_of(steps)) {
    const auto below = mounts.mounted_below(overlay->source);
    if (!below) return below.error();
    if (auto status = confirm_whole(*overlay, binds, *below); !status) return status;
  }
  return {};
}

}  // namespace buildjail
