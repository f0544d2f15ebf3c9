#pragma once

#include <sys/file.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/lessee.h"

namespace buildjail {

// A lease is a file in the host directory. It says which session has the thing, and is locked while that session
// lives, by a descriptor that may be shared with whoever outlives this process. One that is there, but not locked, is
// of a session that is dead.

/** What is leased, for errors. */
struct Leased {
  /** The step of a session that leases it. */
  const char* step;
  /** Its path or its name. */
  const std::string& subject;
};

/**
 * The lock of a lease that is nobody's any more; a dead session that had it is recovered first. EBUSY, with the holder
 * named, when a live one has it. `kind` is LOCK_EX, or LOCK_SH for several who have the thing together and sign
 * nothing.
 */
Result<UniqueFd> lock_lease(const Leased& leased, const std::string& file, const Lessee& lessee, int kind = LOCK_EX);
/** Says whose it is. */
Status sign_lease(const Leased& leased, const std::string& file, const UniqueFd& lock, const Holding& holding);
/** Whose it is; nothing where it does not say so yet, or any more. */
Result<std::optional<Holding>> holding_of(const char* step, const std::string& file);
/** By a descriptor of the file. */
Result<std::optional<Holding>> holding_in(const char* step, const std::string& file, const UniqueFd& fd);

/** Takes away each lease in the host directory whose session has no journal any more, as after its recovery. */
void sweep_leases(const std::string& host_directory);

}  // namespace buildjail
