#pragma once

#include "linux/clone_child.h"
#include "plan/plan.h"

namespace buildjail {

/** Whether a step is a directory, a file or a link of the root's own. */
bool is_skeleton(const Step& step);

/** Makes it, in a child whose working directory is the root. False when it could not, with the reason in `stopped`. */
bool make_skeleton(const Step& step, Stopped& stopped);

}  // namespace buildjail
