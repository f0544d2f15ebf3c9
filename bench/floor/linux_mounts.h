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
/* Whether the child is to be in the host's mount namespace for change_root, and not in a copy of that. */
int is_copied_first(const struct plan *plan);
/* In a child: the plan's root, sealed, and nothing else. */
int change_root(const struct plan *plan, int empty_mounts, struct stopped *stopped);
/* In a child in a copy of the host's mount namespace, which shares our descriptors: that one emptied, as an int. */
int make_empty_mounts(void *mounts);

#endif
