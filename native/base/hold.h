#pragma once

#include <fcntl.h>

namespace buildjail {

/** For open(2): a file is held whatever its mode is, and no link is followed. Without O_PATH it has to be readable. */
#ifdef O_PATH
inline constexpr int kHold = O_PATH | O_NOFOLLOW | O_CLOEXEC;
#else
inline constexpr int kHold = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
#endif
inline constexpr int kHoldFolder = kHold | O_DIRECTORY;

}  // namespace buildjail
