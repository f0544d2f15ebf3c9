#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "linux/clone_child.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * What of a session's /proc is the host's alone, and nothing that a build needs (proc(5)): relative to its root, those
 * that this kernel has. With those that it lets nobody but root open, where the build is root.
 */
Result<std::vector<std::string>> hidden_in_proc(const MountProc& proc, bool is_root);

/**
 * In the child, in the session's root: covers each of these with `null`, its /dev/null. False when it could not, with
 * the reason in `stopped`.
 */
bool hide(const std::vector<std::string>& hidden, const char* null, Stopped& stopped);

}  // namespace buildjail
