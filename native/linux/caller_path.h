#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace buildjail {

/** A file that was looked up, or the errno of the look-up. */
struct Pinned {
  /** Of O_PATH; empty after a failure. */
  UniqueFd file{};
  int err = 0;
};

/** The folders of a process from which its paths begin, held as they are at the time of its call. */
struct CallerFolders {
  UniqueFd root;
  /** The working directory, or the folder of a descriptor. */
  UniqueFd start;
};

/** AT_FDCWD, the working directory, in calls of the *at family (openat(2)). */
inline constexpr int kCallersDirectory = -100;

/** Pins the file of a descriptor of the thread, or its working directory. EBADF if it has none. */
Pinned pin_descriptor(pid_t thread, int descriptor);
/** Pins its root. */
UniqueFd pin_root(pid_t thread);

/** A path, or the errno with which a call with that address fails. */
struct CallersPath {
  std::string path{};
  int err = 0;
};
/** Reads it from the memory of the thread, once: the build may change it at any time. */
CallersPath read_path(pid_t thread, std::uint64_t address);

/**
 * Looks a path up as the kernel would for the caller, with this thread's rights, and pins the file. Links are followed
 * from the caller's folders, so an absolute link does not begin at the root of this process. EPERM for a link of
 * proc(5), which does not lead where its text says, and for a path with more components than any program needs.
 */
Pinned look_up(const CallerFolders& folders, std::string path, bool follows_last_link);

}  // namespace buildjail
