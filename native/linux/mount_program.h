#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "linux/clone_child.h"
#include "linux/overlay_room.h"
#include "linux/source_copy.h"
#include "plan/nesting.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * What is mounted and made in a session's root, prepared so that the child that does it has nothing to allocate. The
 * child shares our memory, so times and failures are read where it left them.
 */
class MountProgram {
 public:
  /**
   * The plan must outlive the program. `owner` is who has the file systems of the session's own that are written to, in
   * the numbering of the host; nobody but who makes them, where there is none.
   */
  MountProgram(const EnvelopePlan& plan, const std::optional<BuildUser>& owner, const SourceOwners& owners,
               const Nesting& nesting);
  /** Of further steps, for a root that is there and was not sealed; they must outlive the program. */
  MountProgram(const std::vector<Step>& rest, const SourceOwners& owners, const Nesting& nesting);

  /** What of /proc is not to be seen by a build, be it root or not. */
  Status find_hidden(bool is_root);

  /** How many descriptors copy_sources() takes at most. */
  [[nodiscard]] std::size_t most_copies() const;

  /**
   * Has sources that lie side by side copied out of a copy of their folder, where the host holds so many mounts that
   * this is quicker: the kernel searches them for each copy. Only where copies can be copied.
   */
  void share_folders();

  /** What of /etc is prepared (prepared_etc.h) comes with the mounts that are copied. Before them. */
  void use_prepared_etc();

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

  /** In a folder below the root. */
  struct Made {
    std::string folder;
    std::string name;
  };

  struct Act {
    const Step* step;
    /** mount(2)'s last argument, where the step is a file system. */
    std::string options;
    /** Where a second one goes, of a /dev. */
    std::string shm;
    /** And a third. */
    std::string pts;
    /** For devices that the spec names, below /dev. */
    std::vector<std::string> device_folders;
    /** What of it is not to be seen, of a /proc. */
    std::vector<std::string> hidden;
    /** The source's, where that is copied first. */
    Folder* folder = nullptr;
    /** It comes with what is copied. */
    bool is_prepared = false;
    /** The child's, from copy_sources() until it is mounted. */
    int source = -1;
    bool is_nested = false;
    /** What is made in an overlay for it to be mounted on, where it is not there; the outer ones first. */
    std::vector<Made> made;
    std::int64_t ns = 0;
  };

  UniqueFd copy_in_folder(Folder& folder, const Bind& bind) const;
  bool perform(Act& act, Stopped& stopped);
  bool mount_tmpfs(const MountTmpfs& step, const std::string& options, Stopped& stopped);
  bool mount_source(Act& act, const Bind& bind, Stopped& stopped);
  bool make_point(const Act& act, const Bind& bind, Stopped& stopped) const;
  /** On a mount point in something that is mounted from the host. */
  bool mount_nested(const UniqueFd& source, const Bind& bind, Stopped& stopped) const;
  void mark_nested(const Nesting& nesting);
  bool place_etc(Stopped& stopped) const;
  bool leave_host(Stopped& stopped);
  bool make_dev(const Act& act, const MountDev& step, Stopped& stopped) const;

  const SourceOwners& owners_;
  OverlayRoom room_;
  /** It is there before the first act. */
  bool has_tmp_ = false;
  std::vector<Act> acts_;
  /** Whose acts point to them. */
  std::vector<Folder> folders_;
  /** A build that is root could write to what of /proc is the host's own, such as /proc/sys/kernel/core_pattern
   * (proc(5)). */
  bool is_proc_read_only_;
  /** The directory where a prepared /etc goes; null where there is none. */
  const Act* etc_act_ = nullptr;
  /** The child's, as its root of before has it. */
  int etc_ = -1;
  bool is_over_host_ = true;
  int root_ = -1;
  const char* root_step_ = "mount";
  std::int64_t root_ns_ = 0;
  std::int64_t seal_ns_ = 0;
};

}  // namespace buildjail
