#pragma once

#include "envelope/part.h"
#include "freebsd/opening.h"

namespace buildjail {

/** The steps of a plan: what is mounted in the root, and the directories, files and links in the root itself. */
struct Steps : PassingPart {
  static void add_planned(JailOpening& opening, Parts& parts);
};

}  // namespace buildjail
