#pragma once

#include <cstdint>
#include <string>

#include "state/fact.h"
#include "state/recovery.h"

namespace buildjail {

/**
 * On Linux a session's processes, mounts and namespaces end with its process: its init kills what is inside, and has
 * the lock of the journal until it has ended (init/init.c). So a recovery, which needs that lock, comes after all of
 * them. What is left is the journal, the outputs that are lent, the cgroups, and the leases.
 */
Recovery recovery_of(const std::string& state_directory);

/** That a session has the range of that size and number (id_ranges.h). */
Fact ids_fact(std::uint32_t size, std::uint32_t number);
/** What the names of such leases begin with. */
const char* ids_lease_name(std::uint32_t size);

}  // namespace buildjail
