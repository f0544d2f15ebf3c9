#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/trace.h"
#include "base/unique_fd.h"
#include "linux/clone_child.h"
#include "plan/plan.h"

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

  /** How many descriptors copy_sources() takes at most. */
  [[nodiscard]] std::size_t most_copies() const;

  /**
   * Has sources that lie side by side copied out of a copy of their folder, where the host holds so many mounts that
   * this is quicker: the kernel searches them for each copy. Only where copies can be copied.
   */
  void share_folders();

  // In the child; each is false when it could not, with the reason in `stopped`. There are two ways: through a mount
  // namespace that has nothing of the host's in it, to which copies of the sources are taken along, or through a copy
  // of the host's, where sources are looked up as they are wanted.

  /** In the host's mount namespace: copies everything that is to be bound, to be mounted where the child goes next. */
  bool copy_sources(Stopped& stopped);
  /** Goes into a copy of `mounts` (empty_mounts.h). */
  bool enter_copy_of(int mounts, Stopped& stopped);
  /** Puts an empty root over the one that there is, and goes there. */
  bool make_root(Stopped& stopped);
  /** Goes back to a root that was made: setns(2) has led to it, as it is at the top of its namespace. */
  bool find_root(Stopped& stopped);
  /** The same over a copy of the host's, whose root `host` is, from which sources are looked up once more. */
  bool find_root_over(int host, Stopped& stopped);
  /** Everything in it. */
  bool fill_root(Stopped& stopped);
  /** Makes it read-only and the only root there is: of the host's nothing is left in this namespace. */
  bool seal_root(Stopped& stopped);

  // In us, afterwards.

  void add_to(Trace& trace) const;

 private:
  struct Folder {
    std::string path;
    /**
     * The child's, until it executes init: to let go of it takes the kernel longer than to make it, and by then nobody
     * waits for that.
     */
    int copy = -1;
  };

  struct Act {
    const Step* step;
    /** mount(2)'s last argument, where the step is a file system. */
    std::string options;
    /** Where a second one goes, of a /dev. */
    std::string shm;
    /** The source's, where that is copied first. */
    Folder* folder = nullptr;
    /** The child's, from copy_sources() until it is mounted. */
    int source = -1;
    std::int64_t ns = 0;
  };

  static UniqueFd copy_in_folder(Folder& folder, const Bind& bind);
  bool perform(Act& act, Stopped& stopped) const;
  bool mount_source(Act& act, const Bind& bind, Stopped& stopped) const;
  bool leave_host(Stopped& stopped);
  bool make_dev(const Act& act, const char* target, Stopped& stopped) const;

  std::vector<Act> acts_;
  /** Whose acts point to them. */
  std::vector<Folder> folders_;
  /** A build that is root could write to what of /proc is the host's own, such as /proc/sys/kernel/core_pattern
   * (proc(5)). */
  bool is_proc_read_only_;
  bool is_over_host_ = true;
  int root_ = -1;
  const char* root_step_ = "mount";
  std::int64_t root_ns_ = 0;
  std::int64_t seal_ns_ = 0;
};

}  // namespace buildjail
