#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** Paths in an overlay, from its top on, where something else is mounted. */
using MountedIn = std::set<std::string, std::less<>>;

/** Adds a path to those that were not applied. A build may have made any number of them. */
void note_left(std::string path, std::vector<std::string>& left);

/**
 * Copies what was written in an upper layer into `staged`, a folder in the file system of the source, so that putting
 * it in place takes no more room: no marks of overlayfs, and nothing at `points`. Adds to `left` what cannot be copied.
 */
Status stage(int upper, int staged, int source, const MountedIn& points, std::vector<std::string>& left,
             const char* step);

}  // namespace buildjail
