#pragma once

#include <vector>

#include "envelope/obstacle.h"

namespace buildjail {

/** What keeps this process from opening sessions, found without changing anything. */
std::vector<Obstacle> find_freebsd_obstacles();
std::vector<Obstacle> find_freebsd_limitations();

}  // namespace buildjail
