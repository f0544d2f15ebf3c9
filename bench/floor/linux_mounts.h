#ifndef LINUX_MOUNTS_H
#define LINUX_MOUNTS_H

#include "floor.h"

/* In pid 1, which is in the host's mount namespace: the plan's root, sealed, and nothing else. */
void change_root(const struct plan *plan, int empty_mounts);
/* In a child in a copy of the host's mount namespace, which shares our descriptors: that one emptied, as an int. */
int make_empty_mounts(void *mounts);

#endif
