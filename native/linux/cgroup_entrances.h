#pragma once

#include <vector>

#include "base/unique_fd.h"

namespace buildjail {

/** By what the child that becomes init gets into the session's cgroups. */
struct CgroupEntrances {
  /**
   * Of each the file of who is in it, for writing; that of version 2 first. Of version 1 it is `tasks` and not
   * `cgroup.procs`: to move a whole process, of which the child is one with one thread, the kernel waits until no
   * processor is in what it was doing, which are some milliseconds.
   */
  std::vector<UniqueFd> files;
  /** The directory of that of version 2: who is made in it need not move there (clone_child_into). */
  UniqueFd unified;
};

}  // namespace buildjail
