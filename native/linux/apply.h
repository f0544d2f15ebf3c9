#pragma once

#include <string>

#include "base/result.h"
#include "envelope/envelope.h"
#include "linux/staging.h"

namespace buildjail {

/**
 * Does to the source of an overlay what was done in the overlay; `id` is the session's. Nothing writes to the layer any
 * more. Other processes may write to the source: no link in it is followed, nothing outside of it is reached, and what
 * has changed in it since the first command stays. A file is replaced as a whole. What is written has the owner, the
 * access list and the attributes of the file that it replaces, or else the owner of the source, and no set-id bits.
 * Nothing is done at `points`, which opening made in the layer to mount something there, nor about the folders that it
 * made around them. An error says whether nothing, some or all of it is done.
 */
Result<AppliedChanges> apply_changes(const Layer& layer, const std::string& id, const MountedIn& points);

}  // namespace buildjail
