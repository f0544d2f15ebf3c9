#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace buildjail {

/**
 * The same open file by a number above 2: a child puts others at 0, 1 and 2, and the host program may have left those
 * free. Empty, with errno, when there is no descriptor left.
 */
inline UniqueFd above_stdio(UniqueFd fd) {
  if (!fd || fd.get() > STDERR_FILENO) return fd;
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace buildjail
