#pragma once

#include "base/unique_fd.h"

namespace buildjail {

/**
 * Makes a mount namespace of root's with a read-only root and nothing in it, for setns(2). Sessions copy it and not the
 * host's, whose copy takes longer the more is mounted there. Empty if it cannot be made, or if this is root of a
 * container that may not make devices: it may not mount a /proc either where it sees no other one
 * (mount_namespaces(7)), and copies the host's mounts.
 */
UniqueFd make_empty_mounts();

}  // namespace buildjail
