#pragma once

#include <string>

#include "state/recovery.h"

namespace buildjail {

/**
 * On Linux a session's processes, mounts and namespaces end with its process: its init kills what is inside, and has
 * the lock of the journal until it has ended (init/init.c). So a recovery, which needs that lock, comes after all of
 * them. What is left is the journal, the outputs that are lent, the cgroups, and the leases.
 */
Recovery recovery_of(const std::string& state_directory);

}  // namespace buildjail
