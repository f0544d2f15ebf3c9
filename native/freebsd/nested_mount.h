#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

/**
 * What is at a path below a root that is mounted in the host's sight, held by a descriptor of O_PATH. Each name is
 * looked up in the folder before it and no link is followed: somebody of the host may write to what is mounted there.
 */
Result<UniqueFd> open_below(const std::string& root, std::string_view target);

/**
 * nmount(2) by a child of ours (vfork(2)) whose working directory is `point`. The options name the place in there: `.`
 * is the folder itself, whatever its path means by now. nmount(2) follows a link that has another name.
 */
Status mount_in(int point, IovecList& options, int flags, const std::string& source, const std::string& target);

/** The FSID of what was mounted last below a root. ENOENT where nothing is. */
Result<std::string> newest_below(const std::string& root);

}  // namespace buildjail
