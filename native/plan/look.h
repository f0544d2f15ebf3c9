#pragma once

#include <string>
#include <string_view>

namespace buildjail {

/**
 * Looks at paths of the host, for a plan. It may wait for a file server, so it runs on a thread of ours.
 *
 * `asked` holds questions with a NUL between them, each a letter and an absolute path; the answers come in the same
 * order, with a NUL between them:
 *
 * - `s`: what stat(2) says, and behind a slash the path without links (realpath(3)), of a directory or a regular file.
 * - `l`: what lstat(2) says, and behind a slash what the link holds (readlink(2)), of a symbolic link.
 * - `d`: the names in a directory, each behind a slash.
 *
 * What stat(2) says is its numbers with a space between them: device, file, mode, links, user, group, device number,
 * and nanoseconds of the last change. An answer of the form `!ENOENT 2 stat reason` is an error. It may follow what
 * stat(2) says, where the path was not resolved or the link was not read.
 */
std::string look(std::string_view asked);

}  // namespace buildjail
