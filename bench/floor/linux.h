/* Of a session on Linux: its mounts, and calls that C libraries wrap late or never, by number: those are the same on
 * every architecture from 424 on. */
#ifndef LINUX_H
#define LINUX_H

#include <sys/syscall.h>

#include <stdint.h>
#include <unistd.h>

#include "floor.h"

struct attributes {
  uint64_t set, clear, propagation, userns_fd;
};

enum { READ_ONLY = 1, NO_SUID = 2, NO_DEV = 4, NO_EXEC = 8 };
enum { EMPTY_PATH = 0x1000, RECURSIVE = 0x8000, TREE_CLONE = 1, TREE_CLOSE_ON_EXEC = 02000000 };

static inline int raw_open_tree(int fd, unsigned recursive) {
  return (int)syscall(428, fd, "", TREE_CLONE | TREE_CLOSE_ON_EXEC | EMPTY_PATH | recursive);
}
static inline int raw_move_mount(int tree, const char *path) { return (int)syscall(429, tree, "", -100, path, 4); }
static inline int raw_fsopen(const char *type) { return (int)syscall(430, type, 1); }
static inline int raw_fsconfig_string(int fs, const char *key, const char *value) {
  return (int)syscall(431, fs, 1, key, value, 0);
}
static inline int raw_fsconfig_create(int fs) { return (int)syscall(431, fs, 6, (char *)0, (char *)0, 0); }
static inline int raw_fsmount(int fs, uint64_t set) { return (int)syscall(432, fs, 1, set); }
static inline int raw_mount_setattr(int tree, unsigned recursive, struct attributes attributes) {
  return (int)syscall(442, tree, "", EMPTY_PATH | recursive, &attributes, sizeof(attributes));
}
static inline int raw_pidfd_kill(int pidfd, int signal) { return (int)syscall(424, pidfd, signal, (void *)0, 0); }

/* The ids of the host that those of a session are; buildjail leases some. */
enum { FIRST_ID = 600047616, ID_COUNT = 65536 };

/* In pid 1, which is in the host's mount namespace: the plan's root, sealed, and nothing else. */
void change_root(const struct plan *plan, int empty_mounts);
/* In a child in a copy of the host's mount namespace, which shares our descriptors: that one emptied, as an int. */
int make_empty_mounts(void *mounts);

#endif
