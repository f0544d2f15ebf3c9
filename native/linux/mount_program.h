#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plan.h"
#include "core/trace.h"
#include "linux/clone_child.h"

namespace buildjail {

/**
 * What is mounted and made in a session's root, prepared so that the child that does it has nothing to allocate. The
 * child shares our memory, so times and failures are read where it left them.
 */
class MountProgram {
 public:
  /** The plan must outlive the program. */
  explicit MountProgram(const EnvelopePlan& plan);
  /** Of further steps, for a root that is there and was not sealed; they must outlive the program. */
  explicit MountProgram(const std::vector<Step>& rest);

  // In the child, in a mount namespace of its own whose root still is the host's.

  /** Puts an empty root over the host's and goes there; false when it could not, with the reason in `stopped`. */
  bool make_root(Stopped& stopped);
  /**
   * Goes back to a root that was made: the working directory, at the top of this namespace. `host` is the host's root
   * as it is mounted here, from which sources are looked up once more.
   */
  bool find_root(int host, Stopped& stopped);
  /** Everything in it. */
  bool fill_root(Stopped& stopped);
  /** Makes it read-only and the only root there is: the host's is gone from this namespace. */
  bool seal_root(Stopped& stopped);

  // In us, afterwards.

  void add_to(Trace& trace) const;

 private:
  struct Act {
    const Step* step;
    /** mount(2)'s last argument, where the step is a file system. */
    std::string options;
    /** Where a second one goes, of a /dev. */
    std::string shm;
    std::int64_t ns = 0;
  };

  bool perform(Act& act, Stopped& stopped) const;
  bool make_dev(const Act& act, const char* target, Stopped& stopped) const;

  std::vector<Act> acts_;
  /** A build that is root could write to what of /proc is the host's own, such as /proc/sys/kernel/core_pattern
   * (proc(5)). */
  bool is_proc_read_only_;
  int root_ = -1;
  const char* root_step_ = "mount";
  std::int64_t root_ns_ = 0;
  std::int64_t seal_ns_ = 0;
};

}  // namespace buildjail
