#pragma once

#include <sys/types.h>
#include <sys/stat.h>

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/child.h"
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
 * - In an overlay, what belongs to the owner and the group of the source belongs to the build user, who may do there
 *   what the owner may do in the source. The rest keeps its owners. Without root, only a folder of the caller's can be
 *   an overlay.
 */
class SourceOwners {
 public:
  /** For the sources among the steps. An error of the step `overlay` if an overlay cannot be the build's. */
  static Result<SourceOwners> find(const NamespaceOpening& opening);

  /** The user namespace with the map for a source that is open; -1 if it is shown as it is. */
  [[nodiscard]] int map_for(const Bind& bind, const struct stat& found) const noexcept;
  /** Whether an overlay's source still has an owner that it had when this was made. */
  [[nodiscard]] bool knows_owner(const struct stat& found) const noexcept;
  /** The descriptors of all maps. */
  [[nodiscard]] std::vector<int> descriptors() const;

 private:
  struct OverlayMap {
    uid_t uid;
    gid_t gid;
    UniqueFd user_namespace;
  };

  Status map_shut_inputs(const std::vector<Step>& steps, const BuildUser& outside);
  Status map_overlay(const Bind& overlay, const SessionIds& ids, const BuildUser& outside);
  [[nodiscard]] const OverlayMap* overlay_map_of(const struct stat& found) const noexcept;

  uid_t caller_ = 0;
  /** Empty if no input is the caller's alone. */
  UniqueFd shut_inputs_;
  /** Of each overlay; none where overlays are shown as they are. */
  std::vector<OverlayMap> overlays_;
};

// For a child that shares our memory (child.h). A copy is of mounts, and not mounted anywhere yet (open_tree(2)). It is
// empty on failure; `stopped`, in functions that have it, then has the reason.

/** Copies a source as it is to be in the session. */
UniqueFd copy_source(const Bind& bind, const SourceOwners& owners, Stopped& stopped);
/** Copies a folder with everything mounted below it. */
UniqueFd copy_folder(const char* folder);
/** As copy_source, of a source that lies in the folder that copy_folder has copied. */
UniqueFd copy_source_in(int folder, const Bind& bind, const SourceOwners& owners);

}  // namespace buildjail
