#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "freebsd/spare_list.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * EBUSY when a session writes to a folder around a source of one, be it the same. What is moved out of a folder while a
 * process stands in it takes that process along, and `..` then leads to the root of the host's file system (jail(8),
 * NOTES); only who writes around the folder can do so. To be called when all mounts of the session are there, and its
 * root has been in the state directory since before: of two that open at once, one at least then sees the other.
 */
Status refuse_nested_sources(const std::vector<const Bind*>& own, const std::string& state_directory,
                             const std::string& id, SpareList& memory);

}  // namespace buildjail
