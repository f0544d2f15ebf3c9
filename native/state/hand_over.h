#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "state/lent_output.h"

namespace buildjail {

/**
 * Whether a file in an output has another owner or group than the folder, which a mapped mount lets nobody change; or
 * a name outside of the output or set-id bits: it may be one of others, and a build that it belonged to could change it
 * for them. So it could once another user has linked it there, which may be at any moment where others may write to a
 * folder.
 */
Result<bool> holds_files_of_others(int top, const LentOutput& before);

/**
 * Gives files in an output from the owner of the folder to the build user, so that a build can change the files of an
 * earlier one. Not files with a name outside of the output or with set-id bits, which may be those of others.
 */
Status hand_over_tree(int top, const LentOutput& before, uid_t uid, gid_t gid);

}  // namespace buildjail
