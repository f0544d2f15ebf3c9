#pragma once

#include <vector>

#include "base/result.h"
#include "envelope/system.h"
#include "plan/plan.h"

namespace buildjail {

/** What keeps this process from opening sessions, found without changing anything. */
std::vector<Obstacle> find_freebsd_obstacles();
std::vector<Obstacle> find_freebsd_limitations();

/**
 * ENOTSUP if the steps have an overlay. unionfs(4) of 15.1 would be the way. In it a folder that is removed and made
 * again has its old content, and it shows either everything with one owner and one mode, so that no script of a source
 * can be executed, or the owners of the source, of whom none is the build.
 */
Status refuse_overlays(const std::vector<Step>& steps);

}  // namespace buildjail
