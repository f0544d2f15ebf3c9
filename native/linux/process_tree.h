#pragma once

#include <sys/types.h>

namespace buildjail {

/**
 * Signals a command and everything it started. The children of what ends come to the command as long as it lives
 * (PR_SET_CHILD_SUBREAPER(2const)), so all of it is below the command, which gets its signal last. Where that is
 * SIGKILL it is looked again until nothing new was found. `command` is in the host's numbering.
 */
void signal_tree(pid_t command, int signal);

}  // namespace buildjail
