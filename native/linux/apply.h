#pragma once

#include <string>

#include "base/result.h"
#include "envelope/envelope.h"
#include "linux/staging.h"

namespace buildjail {

/**
 * Applies the changes in an overlay to its source; `id` is the session's. No process writes to the layer any more.
 * Other processes may write to the source: no link in it is followed, nothing outside of it is reached, and files that
 * have changed in it since the first command stay. A changed file is replaced as a whole. A written file has the owner,
 * the access list and the attributes of the file that it replaces, or else the owner of the source, and no set-id bits.
 * Nothing is done at `points`, which opening made in the layer as mount points, or to the folders that opening made
 * around them. An error says whether none, some or all of the changes are applied.
 */
Result<AppliedChanges> apply_changes(const Layer& layer, const std::string& id, const MountedIn& points);

}  // namespace buildjail
