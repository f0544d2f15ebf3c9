#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/iovec_list.h"
#include "plan/plan.h"

namespace buildjail {

// Mounts inside other mounts.

/**
 * Opens a path below a root that is mounted in the host's sight, with O_PATH. Each name is looked up in the folder
 * before it and no link is followed, because a user of the host may write to the folders that are mounted there.
 */
Result<UniqueFd> open_below(const std::string& root, std::string_view target);

/**
 * nmount(2) by a child of ours (vfork(2)) whose working directory is `point`. The options name the place in there: `.`
 * is the folder itself, whatever its path means by now. nmount(2) follows a link that has another name.
 *
 * Plain sources are not mounted from the working directory of a child, because that costs a process for each session.
 * They are mounted by path and then compared (verify).
 */
Status mount_in(int point, IovecList& options, int flags, const Bind& bind);

/** The FSID of the newest mount below a root. ENOENT: nothing is mounted below it. */
Result<std::string> newest_below(const std::string& root);

/** Whether `inner` shows the folder that is its own mount point. */
bool shows_its_point(const Bind& outer, const Bind& inner);

/**
 * Makes the missing folders of the mount point of `inner` in the copy that `outer` is, for the build user. No command
 * runs in the copy yet, and what is made goes with it. Follows no link.
 */
Status make_point_in_copy(const std::string& root, const Bind& outer, const Bind& inner, const BuildUser& user);

}  // namespace buildjail
