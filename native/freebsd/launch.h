#pragma once

#include <sys/types.h>

#include "core/credentials.h"
#include "core/launch_request.h"
#include "core/plan.h"
#include "core/result.h"
#include "core/stdio_ends.h"
#include "freebsd/set_groups.h"

namespace buildjail {

/**
 * Starts a command in a jail: vfork(2), so at a cost that does not grow with this process. The child closes everything
 * and leaves every privilege behind before execve(2); a step that fails is reported, and the command is not executed.
 * @return who the command is, as the kernel said right before.
 */
Result<Credentials> launch_in_jail(int jid, const BuildUser& user, const SetGroups& groups, LaunchRequest& request,
                                   const StdioEnds& ends);

/** SIGKILL to every process of a jail, which stays. */
Status kill_in_jail(int jid);

}  // namespace buildjail
