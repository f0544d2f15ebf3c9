#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/recovery.h"

namespace buildjail {

/**
 * The file of an output's lease in the state directory: two names of one directory meet in it. It says whose the output
 * is and is locked while that session lives, by a descriptor that may be shared with whoever outlives this process to
 * hand the output back. One that is not locked, but there, is of a session that is dead.
 */
std::string lease_of(const std::string& state_directory, std::uint64_t dev, std::uint64_t ino);

/** What the names of such files begin with. */
inline constexpr const char* kLeasePrefix = "writable-";

/**
 * The lock of a lease that is nobody's any more; a dead session that had it is recovered first, as its output is still
 * lent. EBUSY when a live one has it. `source` is for the error.
 */
Result<UniqueFd> lock_lease(const std::string& lease, const std::string& source, const Recovery& recovery);
/** Says whose it is. */
Status sign_lease(const std::string& lease, const UniqueFd& lock, const std::string& id);
/** Whose it is; empty where it does not say so yet, or any more. */
Result<std::string> holder_of(const std::string& lease);

}  // namespace buildjail
