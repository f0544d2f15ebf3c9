#pragma once

#include <string>

#include "base/result.h"
#include "state/surroundings.h"

namespace buildjail {

/**
 * The one place for the leases of all sessions that the caller opens on this host, whatever their state directories.
 * It is root's own, or in an ordinary user's runtime directory (`/run/user/<uid>`, $XDG_RUNTIME_DIR, or else /tmp).
 * This makes it where it is not there. EPERM when it is not private, or could be exchanged by somebody else.
 */
Result<std::string> host_directory(Surroundings& around);

}  // namespace buildjail
