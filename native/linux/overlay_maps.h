#pragma once

#include <sys/types.h>
#include <sys/stat.h>

#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * Whose what is in an overlay is shown to be: all that belongs to the owner of its source, and to the group of that,
 * belongs to the build user, who may do there what the owner may in the source. The rest is as it is. A session of
 * root's mounts the source by a map of ids (mount_setattr(2), MOUNT_ATTR_IDMAP), which overlayfs takes as its lower
 * layer. An ordinary caller is the build user already, and has no overlays but of folders of its own.
 */
class OverlayMaps {
 public:
  /**
   * Of the overlays among the steps. `outside` is the build user in the numbering of the host; none where the caller is
   * that. An error of the step `overlay` where that cannot be.
   */
  static Result<OverlayMaps> find(const std::vector<Step>& steps, const std::optional<BuildUser>& outside);

  /** Files as they are, whosever they are. */
  static OverlayMaps none() {
    OverlayMaps maps;
    maps.are_needed_ = false;
    return maps;
  }

  /** A user namespace with the map for what belongs to them; -1 where none is needed. */
  [[nodiscard]] int space_for(const struct stat& source) const noexcept;
  /** Whether the owner was known when maps were made. */
  [[nodiscard]] bool knows(const struct stat& source) const noexcept;
  /** Every descriptor. */
  [[nodiscard]] std::vector<int> spaces() const;

 private:
  struct Owner {
    uid_t uid;
    gid_t gid;
    UniqueFd space;
  };
  [[nodiscard]] const Owner* owner_of(const struct stat& source) const noexcept;

  std::vector<Owner> owners_;
  bool are_needed_ = true;
};

}  // namespace buildjail
