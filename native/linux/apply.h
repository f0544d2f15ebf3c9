#pragma once

#include <string>

#include "base/result.h"
#include "envelope/envelope.h"

namespace buildjail {

/**
 * Does to the source of an overlay, at `path`, what was done in the overlay, whose upper layer is `upper`; `id` is the
 * session's. Nothing writes to the layer any more. Other processes may write to the source: no link in it is followed,
 * and nothing outside of it is reached. A file is replaced as a whole. What is written has the owner of what it
 * replaces, or else of the source, and no set-id bits. After an error some changes are done and others are not.
 */
Result<AppliedChanges> apply_changes(const std::string& upper, const std::string& path, const std::string& id);

}  // namespace buildjail
