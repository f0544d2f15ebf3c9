#pragma once

#include <sys/types.h>

#include <vector>

#include "base/unique_fd.h"

namespace buildjail {

/** All below `root`, parents first; without it. */
std::vector<pid_t> descendants_of(pid_t root);

/**
 * Signals a command and everything it started, but by SIGKILL: see kill_tree. Orphans come to the command as long as it
 * lives (PR_SET_CHILD_SUBREAPER(2const)), so everything is below it. `command` is in the host's numbering.
 * @return a pidfd of each process below it: without the command they are init's, as all others are.
 */
std::vector<UniqueFd> signal_tree(pid_t command, int signal);

/** The same by SIGKILL, which goes out again until nothing new is found below `top`. */
void kill_tree(pid_t top);

}  // namespace buildjail
