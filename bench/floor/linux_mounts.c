/* The mounts of a session on Linux, by the calls that native/linux makes them with. */
#include "linux.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

static const struct {
  const char *name;
  unsigned major, minor;
} devices[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

static const struct {
  const char *name;
  const char *value;
} device_links[] = {
    {"fd", "/proc/self/fd"}, {"stdin", "fd/0"}, {"stdout", "fd/1"}, {"stderr", "fd/2"}, {"ptmx", "pts/ptmx"}};

#define TMPFS_OPTIONS "mode=1777,size=%s,nr_inodes=%s,uid=%d,gid=%d"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is returned, where that is no error. */
static int must(int result, const char *what, const char *path) {
  if (result < 0) fail(what, path);
  return result;
}

static int is_bind(const struct step *step) { return step->kind == BIND || step->kind == BIND_FILE; }

/* A descriptor of a copy that is mounted nowhere. */
static int copy_source(const struct step *step) {
  struct stat found;
  /* Held open, so that what was looked at is what gets mounted. */
  const int pinned = must(open(step->source, O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", step->source);
  must(fstat(pinned, &found), "fstat", step->source);
  const struct attributes attributes = {.set = NO_SUID | NO_DEV | (step->is_writable ? 0 : READ_ONLY),
                                        .propagation = MS_PRIVATE};
  const int tree = must(raw_open_tree(pinned, step->is_writable ? 0 : RECURSIVE), "open_tree", step->source);
  must(raw_mount_setattr(tree, RECURSIVE, attributes), "mount_setattr", step->source);
  close(pinned);
  return tree;
}

static void make_dev(const char *target, const struct step *tmp) {
  char shm_options[128];
  char shm[256], pts[256];
  snprintf(shm_options, sizeof(shm_options), TMPFS_OPTIONS, tmp->source, tmp->files, FIRST_ID, FIRST_ID);
  snprintf(shm, sizeof(shm), "%s/shm", target);
  snprintf(pts, sizeof(pts), "%s/pts", target);
  const int directory = must(open(target, O_PATH | O_DIRECTORY | O_CLOEXEC), "open", target);
  const int dev = must(raw_open_tree(directory, 0), "open_tree", target);
  must(raw_mount_setattr(dev, 0, (struct attributes){.set = NO_SUID | NO_EXEC, .clear = NO_DEV}), "mount_setattr",
       target);
  must(raw_move_mount(dev, target), "move_mount", target);
  close(directory);
  for (size_t i = 0; i < COUNT(devices); i++)
    must(mknodat(dev, devices[i].name, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)), "mknodat",
         devices[i].name);
  for (size_t i = 0; i < COUNT(device_links); i++)
    must(symlinkat(device_links[i].value, dev, device_links[i].name), "symlinkat", device_links[i].name);
  must(mkdirat(dev, "shm", 0755), "mkdirat", shm);
  must(mount("tmpfs", shm, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, shm_options), "mount", shm);
  must(mkdirat(dev, "pts", 0755), "mkdirat", pts);
  must(mount("devpts", pts, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0600,max=128"), "mount",
       pts);
  must(raw_mount_setattr(dev, 0, (struct attributes){.set = READ_ONLY}), "mount_setattr", target);
  close(dev);
}

/* The host's keys (native/linux/hidden_proc). */
static void hide(const char *path) {
  const int null = must(open("dev/null", O_PATH | O_CLOEXEC), "open", path);
  const int cover = must(raw_open_tree(null, 0), "open_tree", path);
  must(raw_move_mount(cover, path), "move_mount", path);
  close(cover);
  close(null);
}

static void perform(const struct step *step, const struct step *tmp) {
  const char *target = step->target + 1;
  char options[128];
  switch (step->kind) {
    case DIRECTORY:
      must(mkdir(target, step->mode), "mkdir", target);
      break;
    case PLACEHOLDER:
      must(mknodat(AT_FDCWD, target, S_IFREG | 0444, 0), "mknodat", target);
      break;
    case SYMLINK:
      must(symlink(step->source, target), "symlink", target);
      break;
    case TMPFS:
      snprintf(options, sizeof(options), TMPFS_OPTIONS, step->source, step->files, FIRST_ID, FIRST_ID);
      must(mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options), "mount", target);
      break;
    case PROC:
      must(mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=ptraceable"), "mount", target);
      hide("proc/keys");
      hide("proc/key-users");
      break;
    default:
      make_dev(target, tmp);
  }
}

static int make_root(void) {
  const int fs = must(raw_fsopen("tmpfs"), "fsopen", "/");
  must(raw_fsconfig_string(fs, "mode", "0755"), "fsconfig", "/");
  must(raw_fsconfig_create(fs), "fsconfig", "/");
  const int root = must(raw_fsmount(fs, NO_SUID | NO_DEV), "fsmount", "/");
  close(fs);
  must(raw_move_mount(root, "/"), "move_mount", "/");
  must(fchdir(root), "fchdir", "/");
  return root;
}

static const struct step *tmp_of(const struct plan *plan) {
  for (size_t i = 0; i < plan->step_count; i++)
    if (plan->steps[i].kind == TMPFS) return &plan->steps[i];
  fail_with("plan", "without a /tmp", EINVAL);
}

void change_root(const struct plan *plan, int empty_mounts) {
  const struct step *const tmp = tmp_of(plan);
  int copies[plan->step_count];
  for (size_t i = 0; i < plan->step_count; i++)
    if (is_bind(&plan->steps[i])) copies[i] = copy_source(&plan->steps[i]);
  /* A copy of a namespace in which there is nothing, and not of the host's. */
  must(setns(empty_mounts, CLONE_NEWNS), "setns", "/");
  must(unshare(CLONE_NEWNS), "unshare", "/");
  const int root = make_root();
  must(chroot("."), "chroot", "/");
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (!is_bind(step)) {
      perform(step, tmp);
      continue;
    }
    must(raw_move_mount(copies[i], step->target + 1), "move_mount", step->target);
    close(copies[i]);
  }
  must(raw_mount_setattr(root, 0, (struct attributes){.set = READ_ONLY}), "mount_setattr", "/");
  close(root);
}

int make_empty_mounts(void *making) {
  int *mounts = making;
  *mounts = must(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), "open", "/proc/self/ns/mnt");
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount", "/");
  const int root = make_root();
  must(raw_mount_setattr(root, 0, (struct attributes){.set = READ_ONLY}), "mount_setattr", "/");
  must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root", "/");
  must(umount2(".", MNT_DETACH), "umount2", "/");
  return 0;
}
