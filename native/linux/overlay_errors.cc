#include "linux/overlay_errors.h"

#include <cerrno>
#include <string_view>
#include <utility>

namespace buildjail {

namespace {

constexpr const char* kOwnInput = "make what is mounted there an input of its own, at its place in the overlay";

/** As of a session's limits: `problem; remedy: ...`, which src/errors.ts reads. */
std::string told(const std::string& problem, const std::string& remedy) { return problem + "; remedy: " + remedy; }

struct Known {
  std::string_view syscall;
  int err;
  const char* problem;
  const char* remedy;
};

constexpr const char* kNewer = "use Linux 5.19 or later as root, and 6.6 or later as an ordinary user";

constexpr Known kKnown[] = {
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

const Known* known(const SysError& error) {
  if (error.step != kOverlay) return nullptr;
  for (const Known& one : kKnown) {
    if (one.syscall == error.syscall && one.err == error.err) return &one;
  }
  return nullptr;
}

}  // namespace

SysError no_overlay(std::string source, std::string target, const std::string& problem, const std::string& remedy) {
  return {.step = kOverlay,
          .syscall = "mount",
          .err = ENOTSUP,
          .path = std::move(source),
          .dest = std::move(target),
          .detail = told(problem, remedy)};
}

SysError overlay_of_another(const Bind& overlay, uid_t owner) {
  return no_overlay(overlay.source, overlay.target,
                    "the folder belongs to the user " + std::to_string(owner) +
                        ", and without root only what is the caller's can be the build's",
                    "use a folder of your own, or run it as root");
}

SysError overlay_with_mount(const Bind& overlay, const std::string& mounted) {
  return no_overlay(overlay.source, overlay.target,
                    mounted + " is mounted in the folder, and an overlay does not show it", kOwnInput);
}

SysError overlay_without_map(const Bind& overlay) {
  return no_overlay(overlay.source, overlay.target,
                    "root's sessions have no user namespace here, and so no files can be shown as the build's",
                    "do what buildjail doctor says of user namespaces");
}

SysError explain_overlay(SysError error) {
  const Known* const why = known(error);
  if (why == nullptr) return error;
  const std::string problem = std::string(why->problem) + " (" + error.syscall + ": " + errno_name(error.err) + ")";
  return no_overlay(std::move(error.path), std::move(error.dest), problem, why->remedy);
}

std::optional<Obstacle> overlay_obstacle(const SysError& error) {
  const Known* const why = known(error);
  if (why == nullptr) return std::nullopt;
  return Obstacle{kOverlay, std::string("inputs cannot be overlays: ") + why->problem, why->remedy};
}

}  // namespace buildjail
