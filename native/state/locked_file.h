#pragma once

#include <sys/file.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * Opens a file with `flags` (open(2)) and locks it for as long as the descriptor, or a copy of it, is open (flock(2)).
 * Whoever locks checks that it is still the file of that name: the one before may just have removed it. EWOULDBLOCK
 * when somebody else has the lock, ENOENT when there is no such file. `kind` is LOCK_EX or LOCK_SH. Where the lock was
 * had, `is_empty` says whether nothing was written to the file.
 */
Result<UniqueFd> lock_file(const char* step, const std::string& path, int flags, int kind = LOCK_EX,
                           bool* is_empty = nullptr);

/** Of a file that is locked: one in which nothing was written is nobody's, and goes. */
void remove_if_empty(const UniqueFd& locked, const std::string& path);

/** All that is in a file, from its beginning. */
Result<std::string> read_file(const char* step, const std::string& path, int fd);

/** At the end of a file opened with O_APPEND, by one write(2); ENOSPC when not all of it went. */
Status append(const char* step, const std::string& path, int fd, const std::string& text);

}  // namespace buildjail
