#pragma once

#include "launch/launch_request.h"
#include "launch/launched.h"
#include "plan/plan.h"
#include "base/result.h"
#include "launch/stdio_ends.h"
#include "linux/namespaces.h"

namespace buildjail {

/**
 * Starts a command in namespaces, as a child of ours and at a cost that does not grow with this process. The child
 * closes everything and leaves every privilege behind before execve(2); a step that fails is reported, and the command
 * is not executed. Any number at a time; ESRCH when the namespaces are gone or going.
 */
Result<Launched> launch_in_namespaces(const Namespaces& namespaces, const BuildUser& user, LaunchRequest& request,
                                      const StdioEnds& ends);

}  // namespace buildjail
