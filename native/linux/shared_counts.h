#pragma once

#include "base/result.h"
#include "linux/init_calls.h"

namespace buildjail {

/*
 * The kernel counts some things for a user. A session of an ordinary caller takes these from the caller: it is the
 * caller outside, and the caller owns its user namespace (namespaces(7), /proc/sys/user; setrlimit(2)). So init bounds
 * what its session may take. A session of root's is counted by its own ids (UserNamespaces), if it has some.
 *
 * docs/security.md lists the counts of a user or of the host that have no bound.
 */

/** The limits of init, and so of every process that it launches. */
Status bound_limits(InitCalls& calls);

/** In init's user namespace. Most containers may not write there: then nothing is bounded. */
void bound_settings(InitCalls& calls);

}  // namespace buildjail
