/* The mounts of a session on Linux, call for call those of native/linux/mount_program. */
#include "linux_mounts.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "linux_calls.h"

static const struct {
  const char *name;
  unsigned minor;
} devices[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};

static const struct {
  const char *name;
  const char *value;
} device_links[] = {{"fd", "/proc/self/fd"}, {"stdin", "fd/0"}, {"stdout", "fd/1"}, {"stderr", "fd/2"}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int stop(struct stopped *stopped, const char *what, const char *path) {
  stopped->what = what;
  stopped->path = path;
  stopped->err = errno;
  return -1;
}

/* With more, sources are looked up in a copy of the host's mounts, as by a session. */
enum { MOST_COPIES = 512 };
static int copies[MOST_COPIES];

/* A descriptor of a copy that is mounted nowhere. */
static int copy_source(const struct step *step, struct stopped *stopped) {
  const unsigned recursive = step->is_writable ? 0 : RECURSIVE;
  struct stat found;
  /* Held open, so that what was looked at is what gets mounted. */
  const int pinned = open(step->source, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (pinned < 0) return stop(stopped, "open", step->source);
  if (fstat(pinned, &found) != 0) return stop(stopped, "fstat", step->source);
  const struct attributes attributes = {.set = NO_SUID | NO_DEV | (step->is_writable ? 0 : READ_ONLY),
                                        .propagation = MS_PRIVATE};
  const int tree = raw_open_tree(pinned, recursive);
  if (tree < 0) return stop(stopped, "open_tree", step->source);
  if (raw_mount_setattr(tree, RECURSIVE, attributes) != 0) return stop(stopped, "mount_setattr", step->source);
  close(pinned);
  return tree;
}

static int bind_source(const struct step *step, int copy, struct stopped *stopped) {
  const int tree = copy >= 0 ? copy : copy_source(step, stopped);
  if (tree < 0) return -1;
  if (raw_move_mount(tree, step->target + 1) != 0) return stop(stopped, "move_mount", step->target);
  close(tree);
  return 0;
}

static int make_dev(const struct step *step, const char *size, struct stopped *stopped) {
  char shm_options[64];
  char shm[256];
  snprintf(shm_options, sizeof(shm_options), "mode=1777,size=%s", size);
  snprintf(shm, sizeof(shm), "%s/shm", step->target + 1);
  const int directory = open(step->target + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return stop(stopped, "open", step->target);
  const int dev = raw_open_tree(directory, 0);
  if (dev < 0) return stop(stopped, "open_tree", step->target);
  if (raw_mount_setattr(dev, 0, (struct attributes){.set = NO_SUID | NO_EXEC, .clear = NO_DEV}) != 0)
    return stop(stopped, "mount_setattr", step->target);
  if (raw_move_mount(dev, step->target + 1) != 0) return stop(stopped, "move_mount", step->target);
  close(directory);
  for (size_t i = 0; i < COUNT(devices); i++)
    if (mknodat(dev, devices[i].name, S_IFCHR | 0666, makedev(1, devices[i].minor)) != 0)
      return stop(stopped, "mknodat", devices[i].name);
  for (size_t i = 0; i < COUNT(device_links); i++)
    if (symlinkat(device_links[i].value, dev, device_links[i].name) != 0)
      return stop(stopped, "symlinkat", device_links[i].name);
  if (mkdirat(dev, "shm", 0755) != 0) return stop(stopped, "mkdirat", step->target);
  if (mount("tmpfs", shm, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, shm_options) != 0)
    return stop(stopped, "mount", shm);
  if (raw_mount_setattr(dev, 0, (struct attributes){.set = READ_ONLY}) != 0)
    return stop(stopped, "mount_setattr", step->target);
  close(dev);
  return 0;
}

static int perform(const struct step *step, int copy, const char *size, struct stopped *stopped) {
  const char *target = step->target + 1;
  char options[64];
  switch (step->kind) {
    case DIRECTORY:
      return mkdir(target, step->mode) == 0 ? 0 : stop(stopped, "mkdir", target);
    case PLACEHOLDER:
      return mknodat(AT_FDCWD, target, S_IFREG | 0444, 0) == 0 ? 0 : stop(stopped, "mknodat", target);
    case SYMLINK:
      return symlink(step->source, target) == 0 ? 0 : stop(stopped, "symlink", target);
    case TMPFS:
      snprintf(options, sizeof(options), "mode=1777,size=%s", step->size);
      return mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0 ? 0 : stop(stopped, "mount", target);
    case PROC:
      if (mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=ptraceable") != 0)
        return stop(stopped, "mount", target);
      return 0;
    case DEV:
      return make_dev(step, size, stopped);
    default:
      return bind_source(step, copy, stopped);
  }
}

static int make_root(struct stopped *stopped) {
  const int fs = raw_fsopen("tmpfs");
  if (fs < 0) return stop(stopped, "fsopen", "/");
  if (raw_fsconfig_string(fs, "mode", "0755") != 0 || raw_fsconfig_create(fs) != 0)
    return stop(stopped, "fsconfig", "/");
  const int root = raw_fsmount(fs, NO_SUID | NO_DEV);
  if (root < 0) return stop(stopped, "fsmount", "/");
  close(fs);
  if (raw_move_mount(root, "/") != 0) return stop(stopped, "move_mount", "/");
  if (fchdir(root) != 0) return stop(stopped, "fchdir", "/");
  return root;
}

static const char *size_of_tmp(const struct plan *plan) {
  for (size_t i = 0; i < plan->step_count; i++)
    if (plan->steps[i].kind == TMPFS) return plan->steps[i].size;
  return "0";
}

int is_copied_first(const struct plan *plan) {
  size_t count = 0;
  for (size_t i = 0; i < plan->step_count; i++) count += plan->steps[i].kind == BIND;
  return count <= MOST_COPIES;
}

/* Takes the copies along into a copy of a mount namespace in which there is nothing. */
static int leave_host(const struct plan *plan, int empty_mounts, struct stopped *stopped) {
  size_t count = 0;
  for (size_t i = 0; i < plan->step_count; i++) {
    if (plan->steps[i].kind != BIND) continue;
    copies[count] = copy_source(&plan->steps[i], stopped);
    if (copies[count++] < 0) return -1;
  }
  if (setns(empty_mounts, CLONE_NEWNS) != 0) return stop(stopped, "setns", "/");
  if (unshare(CLONE_NEWNS) != 0) return stop(stopped, "unshare", "/");
  return 0;
}

int change_root(const struct plan *plan, int empty_mounts, struct stopped *stopped) {
  const char *size = size_of_tmp(plan);
  const int is_copied = is_copied_first(plan);
  size_t copy = 0;
  if (is_copied && leave_host(plan, empty_mounts, stopped) != 0) return -1;
  if (!is_copied && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return stop(stopped, "mount", "/");
  const int root = make_root(stopped);
  if (root < 0) return -1;
  if (is_copied && chroot(".") != 0) return stop(stopped, "chroot", "/");
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (perform(step, is_copied && step->kind == BIND ? copies[copy++] : -1, size, stopped) != 0) return -1;
  }
  if (raw_mount_setattr(root, 0, (struct attributes){.set = READ_ONLY}) != 0)
    return stop(stopped, "mount_setattr", "/");
  if (is_copied) return 0;
  if (syscall(SYS_pivot_root, ".", ".") != 0) return stop(stopped, "pivot_root", "/");
  if (umount2(".", MNT_DETACH) != 0) return stop(stopped, "umount2", "/");
  if (chdir("/") != 0) return stop(stopped, "chdir", "/");
  return 0;
}

int make_empty_mounts(void *making) {
  int *mounts = making;
  struct stopped stopped;
  *mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (*mounts < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return 1;
  const int root = make_root(&stopped);
  if (root < 0 || raw_mount_setattr(root, 0, (struct attributes){.set = READ_ONLY}) != 0) return 1;
  if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0) return 1;
  return 0;
}
