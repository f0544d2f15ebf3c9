#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/result.h"
#include "envelope/envelope.h"

namespace buildjail {

/** Paths in an overlay, from its top on, where something else is mounted. */
using MountedIn = std::set<std::string, std::less<>>;

/**
 * Does to the source of an overlay, at `path`, what was done in the overlay, whose upper layer is `upper`; `id` is the
 * session's. Nothing writes to the layer any more. Other processes may write to the source: no link in it is followed,
 * and nothing outside of it is reached. A file is replaced as a whole. What is written has the owner of what it
 * replaces, or else of the source, and no set-id bits. Nothing is done at `points`, which opening made in the layer to
 * mount something there, nor about the folders that it made around them. After an error some changes are done and
 * others are not.
 */
Result<AppliedChanges> apply_changes(const std::string& upper, const std::string& path, const std::string& id,
                                     const MountedIn& points);

}  // namespace buildjail
