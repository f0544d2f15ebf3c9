#pragma once

#include <sys/types.h>

#include "core/launch_request.h"
#include "core/plan.h"
#include "core/result.h"
#include "core/stdio_ends.h"

namespace buildjail {

/**
 * Starts a command in a jail: vfork(2), so at a cost that does not grow with this process. The child closes everything
 * and leaves every privilege behind before execve(2); a step that fails is reported, and the command is not executed.
 */
Result<pid_t> launch_in_jail(int jid, const BuildUser& user, LaunchRequest& request, const StdioEnds& ends);

/** SIGKILL to every process of a jail, which stays. */
Status kill_in_jail(int jid);

}  // namespace buildjail
