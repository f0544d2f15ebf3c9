#pragma once

#include <sys/types.h>
#include <sys/stat.h>

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * Inputs that the caller owns and shuts to everybody else, as mkdtemp(3) makes folders: in a session of root's they
 * would be of no use to a build user who is nobody outside. So they are shown to it as its own, by mounts that map the
 * owner (mount_setattr(2), MOUNT_ATTR_IDMAP). What others may look into is shown as it is: in there may be files that
 * are shut, and that nobody has named.
 */
struct OwnSources {
  /** `outside` is the build user in the numbering of the host. Of no bind, where none is such an input. */
  static Result<OwnSources> find(const std::vector<Step>& steps, const BuildUser& outside);

  /** Whether an input that is open is one of them. */
  [[nodiscard]] bool holds(const Bind& bind, const struct stat& found) const noexcept;

  /** A user namespace by whose map they are mounted; empty where there are none. */
  UniqueFd space{};
  uid_t owner = 0;
};

}  // namespace buildjail
