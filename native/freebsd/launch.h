#pragma once

#include "launch/launch_request.h"
#include "launch/launched.h"
#include "plan/plan.h"
#include "base/result.h"
#include "launch/stdio_ends.h"
#include "freebsd/jail.h"
#include "freebsd/set_groups.h"

namespace buildjail {

/**
 * Starts a command in a jail: vfork(2), so at a cost that does not grow with this process. The child closes everything
 * and leaves every privilege behind before execve(2); a step that fails is reported, and the command is not executed.
 *
 * From the moment that it has the build's ids, others of the session may kill it, also before execve(2). Then no step
 * failed: it is a command that was ended by a signal, and is there to be waited for as any other.
 */
Result<Launched> launch_in_jail(const JailReference& jail, const BuildUser& user, const SetGroups& groups,
                                LaunchRequest& request, const StdioEnds& ends);

/** SIGKILL to every process of a jail, which stays. ETIMEDOUT where something inside was quicker each time. */
Status kill_in_jail(const Jail& jail);

}  // namespace buildjail
