#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "state/lent_output.h"

namespace buildjail {

/**
 * Whether an output has a file of another owner or group than the folder, which a mapped mount lets no process change;
 * or a file with a name outside of the output or with set-id bits. Such a file may belong to other users, and a build
 * that owned it could change it for them. Another user can link such a file there at any moment if others may write to
 * a folder.
 */
Result<bool> holds_files_of_others(int top, const LentOutput& before);

/**
 * Gives files in an output from the owner of the folder to the build user, so that a build can change the files of an
 * earlier one. Not files with a name outside of the output or with set-id bits, which may be those of others.
 */
Status hand_over_tree(int top, const LentOutput& before, uid_t uid, gid_t gid);

}  // namespace buildjail
