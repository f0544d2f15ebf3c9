#pragma once

#include <sys/types.h>

#include "envelope/accounting.h"

namespace buildjail {

/**
 * What /proc says of the processes of a session whose init this is, for sessions that have no cgroup: their number, and
 * their processor time with that of those which somebody has waited for. What nobody waits for (sigaction(2), SIG_IGN
 * of SIGCHLD) is not in it once it has ended.
 */
SessionUsage usage_of_processes(pid_t init);

}  // namespace buildjail
