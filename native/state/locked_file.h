#pragma once

#include <sys/file.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * Opens a file with `flags` (open(2)) and locks it for as long as the descriptor, or a copy of it, is open (flock(2)).
 * Then checks that the file still has that name, because the holder before may just have removed it. EWOULDBLOCK if
 * another process has the lock, ENOENT if there is no such file. `kind` is LOCK_EX or LOCK_SH. `is_empty` is set to
 * whether the locked file is empty.
 */
Result<UniqueFd> lock_file(const char* step, const std::string& path, int flags, int kind = LOCK_EX,
                           bool* is_empty = nullptr);

/** Removes a locked file if it is empty, and so has no holder. */
void remove_if_empty(const UniqueFd& locked, const std::string& path);

/** The whole content of a file. */
Result<std::string> read_file(const char* step, const std::string& path, int fd);

/** Appends to a file opened with O_APPEND, by one write(2). ENOSPC if that wrote less. */
Status append(const char* step, const std::string& path, int fd, const std::string& text);

}  // namespace buildjail
