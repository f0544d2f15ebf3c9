#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "linux/child.h"
#include "linux/overlays.h"
#include "linux/root_contents.h"
#include "linux/sources.h"
#include "plan/plan.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * All that is mounted and made in a session's root, prepared so that the child that does it allocates nothing. The
 * child shares our memory, so times and failures are read where it left them.
 */
class MountProgram {
 public:
  /** For the steps of the opening. Both must outlive the program. */
  MountProgram(const NamespaceOpening& opening, const SourceOwners& owners);

  /** Finds what /proc must not show to a build, and whether the devices that the plan names are still the same. */
  Status look_at_host();

  /** Whether there are enough descriptors for copy_sources(). */
  [[nodiscard]] bool can_copy_sources() const;

  /**
   * Has sources that lie side by side copied out of a copy of their folder, if the host has so many mounts that this is
   * quicker: the kernel searches them for each copy. Needs a kernel that can copy copies.
   */
  void share_folders(std::size_t host_mounts);

  /** Takes /etc from the mounts that make_root() copies (PreparedEtc). */
  void use_prepared_etc();

  // In the child; each is false on failure, and sets `stopped`. A root is made in one of two places: in a mount
  // namespace without the host's mounts, into which the child takes copies of the sources, or over the host's root in a
  // copy of its namespace, where sources are looked up as they are mounted.

  /** In the host's mount namespace: copies all sources, to be mounted where the child goes next. */
  bool copy_sources(Stopped& stopped);
  /** Makes an empty root in a copy of `mounts`, into which the sources are taken; or over the host's root if -1. */
  bool make_root(int mounts, Stopped& stopped);
  /**
   * Goes back to a root that was made, after setns(2). `host` is the host's root, if this one is over it, from which
   * sources are looked up once more; or -1.
   */
  bool find_root(int host, Stopped& stopped);
  /** Makes and mounts everything in it. */
  bool fill_root(Stopped& stopped);
  /** Makes it read-only, and the only root: nothing of the host's is left in this namespace. */
  bool seal_root(Stopped& stopped);

  /** In us, afterwards. */
  void add_to(Trace& trace) const;

 private:
  struct Folder {
    std::string path;
    /** The child closes it by executing init: the kernel takes longer to free it than to make it. */
    int copy = -1;
  };

  /** A mount point that is made in an overlay. */
  struct MountPoint {
    /** Below the root. */
    std::string folder;
    std::string name;
  };

  /** A step, with all that the child needs for it. */
  struct Act {
    const Step* step;
    /** The options of a file system (mount(2)), of a /dev those of its shared memory. */
    std::string options{};
    /** The files that a /proc must not show, or the folders of a /dev. */
    std::vector<std::string> names{};
    /** The copied folder that the source lies in, if there is one. */
    Folder* folder = nullptr;
    /** It comes with the mounts that are copied. */
    bool is_prepared = false;
    /** The child's copy of the source, from copy_sources() until it is mounted. */
    int source = -1;
    bool is_nested = false;
    /** Made in an overlay if missing, for the step to be mounted on; the outer ones first. */
    std::vector<MountPoint> points{};
    std::int64_t ns = 0;
  };

  UniqueFd copy_in_folder(Folder& folder, const Bind& bind) const;
  bool enter_copy_of(int mounts, Stopped& stopped);
  bool perform(Act& act, Stopped& stopped);
  bool mount_tmpfs(const MountTmpfs& step, const std::string& options, Stopped& stopped);
  bool mount_source(Act& act, const Bind& bind, Stopped& stopped);
  bool make_points(const Act& act, const Bind& bind, Stopped& stopped) const;
  /** On a mount point in something that is mounted from the host. */
  bool mount_nested(const UniqueFd& source, const Bind& bind, Stopped& stopped) const;
  /** The mount points on the way from an overlay to what is mounted in it. */
  static std::vector<MountPoint> points_between(const Bind& overlay, const Bind& nested);
  bool leave_host(Stopped& stopped);

  const SourceOwners& owners_;
  OverlayRoom room_;
  /** They are the rest of a base: /tmp is there before the first of them. */
  bool is_rest_;
  std::vector<Act> acts_;
  /** Acts point to these. */
  std::vector<Folder> folders_;
  /** A build that is root could write to the host's own files in /proc, such as sys/kernel/core_pattern (proc(5)). */
  bool is_root_;
  /** Makes the directory where a prepared /etc goes; null without one. */
  const Act* etc_act_ = nullptr;
  /** The prepared /etc, in the child. */
  int etc_ = -1;
  bool is_over_host_ = true;
  int root_ = -1;
  const char* root_step_ = "mount";
  std::int64_t root_ns_ = 0;
  std::int64_t seal_ns_ = 0;
};

}  // namespace buildjail
