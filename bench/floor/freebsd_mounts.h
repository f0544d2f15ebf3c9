#ifndef FREEBSD_MOUNTS_H
#define FREEBSD_MOUNTS_H

#include <sys/types.h>
#include <sys/uio.h>

#include "floor.h"

/* Names and values, as nmount(2) and jail_set(2) take them. */
enum { MAX_OPTIONS = 128 };
struct options {
  struct iovec iovecs[2 * MAX_OPTIONS];
  unsigned count;
};

void add_flag(struct options *options, const char *name);
void add_string(struct options *options, const char *name, const char *value);
void add_int(struct options *options, const char *name, int *value);

void make_mounts(const struct plan *plan);
void take_mounts(void);

#endif
