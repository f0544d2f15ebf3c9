#ifndef LINUX_MOUNTS_H
#define LINUX_MOUNTS_H

#include "floor.h"

/* Where a child stopped, told through the memory it shares with us; `what` is null while it is on its way. */
struct stopped {
  const char *what;
  const char *path;
  int err;
};

/* Always -1. */
int stop(struct stopped *stopped, const char *what, const char *path);
/* In a child in a mount namespace of its own: the plan's root, sealed, and nothing else. */
int change_root(const struct plan *plan, struct stopped *stopped);

#endif
