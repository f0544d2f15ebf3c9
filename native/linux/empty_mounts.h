#pragma once

#include "base/unique_fd.h"

namespace buildjail {

/**
 * A mount namespace with a read-only root, which has an empty /etc and nothing else, to copy those of sessions from: a
 * copy of the host's takes the longer the more is mounted there, and all of it would have to be unmounted again. Root's
 * only: a user namespace has mount namespaces of its own.
 */
struct EmptyMounts {
  /** Empty where it cannot be made or would not do: where there is no making devices, those of the host have to be
   * bound, as they are wanted. */
  UniqueFd space;
  /** Whether a copy of mounts that is not mounted anywhere can be copied from, as since Linux 6.15. */
  bool can_copy_copies = false;
};

EmptyMounts make_empty_mounts();

}  // namespace buildjail
