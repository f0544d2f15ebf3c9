#pragma once

#include "base/unique_fd.h"
#include "linux/clone_child.h"
#include "linux/overlay_maps.h"
#include "linux/own_sources.h"
#include "plan/plan.h"

namespace buildjail {

// In a child that shares our memory (child.h). A copy is of mounts, and not mounted anywhere yet (open_tree(2)).

/** Whose the sources are shown to be. */
struct SourceOwners {
  const OwnSources& own;
  const OverlayMaps& overlays;
};

/** Of what is mounted at an open file; `recursive` is raw::kRecursive or 0. */
UniqueFd copy_of(const UniqueFd& source, unsigned recursive);

/**
 * Of a source, as it is to be in the session: one of `own` belongs to the build user, where its file system can do
 * that, and an overlay's in any case. Empty when it could not be had, with the reason in `stopped`.
 */
UniqueFd copy_source(const Bind& bind, const SourceOwners& owners, Stopped& stopped);

/** Of a folder, with everything mounted below it. Empty when it could not be had. */
UniqueFd copy_folder(const char* folder);
/** As copy_source, of a source that lies in the folder that copy_folder has copied. Empty when that could not be. */
UniqueFd copy_source_in(int folder, const Bind& bind, const SourceOwners& owners);

}  // namespace buildjail
