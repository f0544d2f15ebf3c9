#pragma once

#include <sys/types.h>
#include <sys/stat.h>

#include <map>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/init_calls.h"
#include "linux/user_namespaces.h"
#include "plan/plan.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * The owners that sources have as a session sees them. Where it runs in a namespace of root's, some are mounted by a
 * map of ids (mount_setattr(2), MOUNT_ATTR_IDMAP); an ordinary caller is the build user already.
 *
 * - An input that the caller owns and shuts to everybody else, as mkdtemp(3) makes folders, would be of no use to a
 *   build user who is nobody outside. So it belongs to the build user. A folder that others may look into is shown as
 * it is: in it may lie shut files that no spec has named.
 * - An output belongs to the build user, and what the build makes in it to the owner of the folder, from the first
 *   moment on. Not where a build could put a mark on a file that a hand-over would have to take away, nor where a file
 *   of the folder may be one of others (LentDirectory).
 * - In an overlay, what belongs to the owner and the group of the source belongs to the build user, who may do there
 *   what the owner may do in the source. The rest keeps its owners. Without root, only a folder of the caller's can be
 *   an overlay.
 */
class SourceOwners {
 public:
  /**
   * Finds the owners for the sources among the steps. An error of the step `overlay` if an overlay cannot be the
   * build's.
   */
  static Result<SourceOwners> find(const NamespaceOpening& opening);

  /**
   * The user namespace with the map for a source that is open; -1 if it is shown as it is. ESTALE for an overlay whose
   * source has an owner that it did not have when this was made.
   */
  [[nodiscard]] Result<int> map_for(const Bind& bind, const struct stat& found) const;

 private:
  SourceOwners(SessionIds& ids, BuildUser outside) : ids_(ids), outside_(std::move(outside)) {}

  struct OverlayMap {
    uid_t uid;
    gid_t gid;
    UniqueFd user_namespace;
  };

  Status map_outputs(const NamespaceOpening& opening);
  Status map_overlay(const Bind& overlay);
  [[nodiscard]] const OverlayMap* overlay_map_of(const struct stat& found) const noexcept;

  SessionIds& ids_;
  /** The build user in the host's numbering. */
  BuildUser outside_;
  /** The user namespaces of the outputs that can be mapped, by their binds. */
  std::map<const Bind*, int> outputs_;
  /** For each overlay; empty if overlays are shown as they are. */
  std::vector<OverlayMap> overlays_;
};

// A copy of a source is as the session shall see it, and not mounted anywhere yet (open_tree(2)).

struct SourceCopy {
  UniqueFd mount;
  /** It shows what is the owner's as the build user's. */
  bool is_mapped;
};

/** Copies a source. ESTALE if it is another file by now than when it was planned. */
Result<SourceCopy> copy_source(const Bind& bind, const SourceOwners& owners);
/** The same by init of an ordinary user, which sees the host's mounts. The slot of the copy is kCopied. */
void copy_source_by_init(const Bind& bind, InitCalls& calls);

}  // namespace buildjail
