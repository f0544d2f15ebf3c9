#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "linux/clone_child.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * Where what is written in the overlays of a session goes: into the file system of its /tmp, so that one bound holds
 * for both together. /tmp becomes a folder of it, and nothing else of it has a name inside. Made before the child;
 * the rest happens in there.
 */
class OverlayRoom {
 public:
  /** As many overlays as there will be. */
  explicit OverlayRoom(std::size_t count);

  [[nodiscard]] bool is_needed() const noexcept { return !names_.empty(); }

  // In the child, which has its working directory in the session's root, and that open as `root`. Each is false when
  // it could not, with the reason in `stopped`.

  /** What is mounted at /tmp, with nothing mounted in it, is put over the root and shared out. */
  bool take(int root, Stopped& stopped);
  /** The next overlay, of a source that is mounted nowhere yet. Empty when it could not be had. */
  UniqueFd mount(const UniqueFd& source, const Bind& bind, int root, Stopped& stopped);
  /** Leaves nothing of it but what is in use. */
  bool leave(int root, Stopped& stopped);

 private:
  /** Of one overlay, in the room. */
  struct Names {
    std::string folder;
    std::string lower;
    std::string upper;
    std::string work;
  };

  std::vector<Names> names_;
  std::size_t next_ = 0;
  /** The child's. */
  int room_ = -1;
};

}  // namespace buildjail
