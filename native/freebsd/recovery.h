#pragma once

#include <string>

#include "state/recovery.h"

namespace buildjail {

/**
 * What is left of a session whose process was killed: before FreeBSD 15 its jail with all that runs in it; its mounts;
 * its outputs. A jail is removed only when it has the name and the path that were noted; what is unmounted is what the
 * kernel says is mounted below the session's own folder by now.
 */
Recovery recovery_of(const std::string& state_directory);

}  // namespace buildjail
