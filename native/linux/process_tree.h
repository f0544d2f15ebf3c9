#pragma once

#include <sys/types.h>

namespace buildjail {

/**
 * Signals a command and everything it started. Orphans come to the command as long as it lives
 * (PR_SET_CHILD_SUBREAPER(2const)), so everything is below it. SIGKILL goes out again until nothing new is found.
 * `command` is in the host's numbering.
 */
void signal_tree(pid_t command, int signal);

}  // namespace buildjail
