/* The mounts of a session on FreeBSD, call for call those of native/freebsd/envelope. */
#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "floor.h"

enum { MAX_MOUNTS = 2048 };

/* What is mounted, in order; unmounted by file system id, so that no path is looked up. */
static char mounted[MAX_MOUNTS][40];
static size_t mounted_count;

static void add(struct options *options, const char *name, void *value, size_t size) {
  if (options->count + 2 > 2 * MAX_OPTIONS) fail_with("too many options, with", name, E2BIG);
  options->iovecs[options->count].iov_base = (void *)(uintptr_t)name;
  options->iovecs[options->count++].iov_len = strlen(name) + 1;
  options->iovecs[options->count].iov_base = value;
  options->iovecs[options->count++].iov_len = size;
}

void add_flag(struct options *options, const char *name) { add(options, name, NULL, 0); }

void add_string(struct options *options, const char *name, const char *value) {
  add(options, name, (void *)(uintptr_t)value, strlen(value) + 1);
}

void add_int(struct options *options, const char *name, int *value) { add(options, name, value, sizeof(*value)); }

static void begin_mount(struct options *options, const char *type, const char *path, const char *from) {
  options->count = 0;
  add_string(options, "fstype", type);
  add_string(options, "fspath", path);
  add_string(options, "from", from);
}

static void mount_options(struct options *options, int flags, const char *path) {
  if (nmount(options->iovecs, options->count, flags) != 0) fail("nmount", path);
}

static void note(int first_half, int second_half) {
  if (mounted_count == MAX_MOUNTS) fail_with("too many mounts,", "more than the floor program has room for", E2BIG);
  snprintf(mounted[mounted_count++], sizeof(mounted[0]), "FSID:%d:%d", first_half, second_half);
}

static fsid_t id_at(const char *path) {
  struct statfs found;
  if (statfs(path, &found) != 0) fail("statfs", path);
  return found.f_fsid;
}

static void mount_one(struct options *options, int flags, const char *path) {
  add_flag(options, "nocover");
  mount_options(options, flags, path);
  const fsid_t id = id_at(path);
  note(id.val[0], id.val[1]);
}

static void bind_source(const struct plan *plan, const struct step *step, const char *path) {
  struct options options;
  struct stat held, shown;
  static int second_half;
  const int pinned =
      open(step->source, (step->kind == BIND_FILE ? O_PATH : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
  if (pinned < 0) fail("open", step->source);
  if (fstat(pinned, &held) != 0) fail("fstat", step->source);
  begin_mount(&options, "nullfs", path, step->source);
  add_flag(&options, "nounixbypass");
  add_flag(&options, "nocover");
  mount_options(&options, MNT_NOSUID | (step->is_writable ? 0 : MNT_RDONLY), path);
  if (fstat(pinned, &held) != 0) fail("fstat", step->source);
  if (lstat(path, &shown) != 0) fail("lstat", path);
  /* The first half of an id is st_dev (vfs_getnewfsid), and the second is the same for all of a kind. */
  if (second_half == 0) second_half = id_at(path).val[1];
  note((int)shown.st_dev, second_half);
  if (held.st_ino != shown.st_ino) fail_with("another file is mounted than", step->source, ESTALE);
  /* Shut to others while it is the build user's. */
  if (step->is_writable && (fchown(pinned, plan->uid, plan->gid) != 0 || fchmod(pinned, 0700) != 0))
    fail("fchown", step->source);
  close(pinned);
}

/* A ruleset that somebody has emptied shows every device of the host, so that what it shows has to be looked at. */
static void check_nodes(const char *path) {
  char entries[4096];
  const int dev = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dev < 0) fail("open", path);
  const ssize_t size = getdirentries(dev, entries, sizeof(entries), NULL);
  if (size < 0 || size > 512) fail("getdirentries", path);
  close(dev);
}

static void perform(const struct plan *plan, const struct step *step) {
  struct options options;
  char path[MAXPATHLEN];
  int made;
  snprintf(path, sizeof(path), "%s%s", plan->root, step->target);
  switch (step->kind) {
    case DIRECTORY:
      /* mkdir(2) leaves the sticky bit out. */
      if (mkdir(path, step->mode) != 0 || chmod(path, step->mode) != 0) fail("mkdir", path);
      break;
    case PLACEHOLDER:
      made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
      if (made < 0 || close(made) != 0) fail("open", path);
      break;
    case SYMLINK:
      if (symlink(step->source, path) != 0) fail("symlink", path);
      break;
    case TMPFS:
      begin_mount(&options, "tmpfs", path, "tmpfs");
      add_string(&options, "size", step->source);
      add_string(&options, "inodes", step->files);
      mount_one(&options, MNT_NOSUID, path);
      break;
    case DEV:
      begin_mount(&options, "devfs", path, "devfs");
      add_string(&options, "ruleset", plan->ruleset);
      mount_one(&options, MNT_NOSUID | MNT_NOEXEC, path);
      check_nodes(path);
      break;
    case BIND:
    case BIND_FILE:
      bind_source(plan, step, path);
      break;
    default:
      fail_with("no such step here:", path, EINVAL);
  }
}

void make_mounts(const struct plan *plan) {
  struct options options;
  begin_mount(&options, "tmpfs", plan->root, "tmpfs");
  mount_one(&options, MNT_NOSUID, plan->root);
  for (size_t i = 0; i < plan->step_count; i++) perform(plan, &plan->steps[i]);
  begin_mount(&options, "tmpfs", plan->root, "tmpfs");
  mount_options(&options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, plan->root);
}

void take_mounts(void) {
  while (mounted_count > 0) {
    const char *id = mounted[mounted_count - 1];
    if (unmount(id, MNT_BYFSID) == 0)
      mounted_count--;
    else if (errno == EBUSY)
      usleep(50);
    else
      fail("unmount", id);
  }
}
