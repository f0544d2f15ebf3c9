#pragma once

#include "base/result.h"
#include "linux/init_calls.h"

namespace buildjail {

/*
 * What the kernel counts for a user, a session of an ordinary caller takes of the caller's: it is the caller outside,
 * and the caller owns its user namespace (namespaces(7), /proc/sys/user; setrlimit(2)). So init bounds what its session
 * may take. What is counted for a session of root's is counted for its own ids (UserNamespaces), where it has some.
 *
 * docs/security.md has what is counted for a user or for the whole host, and has no bound.
 */

/** Of init, and so of all that it launches. */
Status bound_limits(InitCalls& calls);

/** In init's user namespace. Most containers may not write there: then nothing is bounded. */
void bound_settings(InitCalls& calls);

}  // namespace buildjail
