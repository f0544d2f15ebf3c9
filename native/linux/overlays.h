#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/system.h"
#include "linux/child.h"
#include "linux/mount_table.h"
#include "plan/plan.h"

namespace buildjail {

/** The step of all that only overlays need. */
inline constexpr const char* kOverlay = "overlay";

/** ENOTSUP, with the problem and the remedy. */
SysError no_overlay(const Bind& overlay, const std::string& problem, const std::string& remedy);
/** Explains why the kernel refused an overlay. Returns the error itself if the reason is not known. */
SysError explain_overlay(SysError error);

/** The same for doctor; empty if the reason is not known. */
std::optional<Obstacle> overlay_obstacle(const SysError& error);

/**
 * Makes the overlays of a session. Their upper layers lie in the file system of its /tmp, so that one bound holds for
 * both together. /tmp becomes a folder of that file system, and nothing else of it has a name inside.
 */
class OverlayRoom {
 public:
  /** Made in the host program, for that number of overlays. */
  explicit OverlayRoom(std::size_t count) : count_(count) {}

  [[nodiscard]] bool is_needed() const noexcept { return count_ > 0; }

  // In the child, whose working directory is the session's root, which is also open as `root`. On failure each returns
  // false or nothing, and sets `stopped`.

  /** Mounts the file system of /tmp, in which nothing is mounted, over the root, and a folder of it at /tmp. */
  bool take(int root, Stopped& stopped);
  /** Makes the next overlay, of a source that is not mounted anywhere yet. */
  UniqueFd mount(const UniqueFd& source, const Bind& bind, int root, Stopped& stopped);
  /** Unmounts the layers; the overlays keep them. */
  bool leave(int root, Stopped& stopped);

 private:
  std::size_t count_;
  std::size_t next_ = 0;
  /** The file system of /tmp, in the child. */
  int room_ = -1;
};

/**
 * ENOTSUP if the host has something mounted below the source of an overlay, which overlayfs would not show, and no
 * other bind of the session covers that place.
 */
Status confirm_whole_overlays(const std::vector<Step>& steps, MountTable& mounts);

}  // namespace buildjail
