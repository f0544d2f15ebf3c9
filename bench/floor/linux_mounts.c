/* The mounts of a session on Linux, by the calls that native/linux makes them with. */
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <sched.h>
#include <stdint.h>

#include "floor.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Calls that C libraries wrap late or never, by number: those are the same on every architecture from 424 on. */
enum { OPEN_TREE = 428, MOVE_MOUNT = 429, FSOPEN = 430, FSCONFIG = 431, FSMOUNT = 432, MOUNT_SETATTR = 442 };
enum { EMPTY_PATH = 0x1000, RECURSIVE = 0x8000, TREE_CLONE = 1, TREE_CLOSE_ON_EXEC = 02000000 };
enum { READ_ONLY = 1, NO_SUID = 2, NO_DEV = 4, NO_EXEC = 8 };

struct attributes {
  uint64_t set, clear, propagation, userns_fd;
};

static const struct {
  const char *name;
  unsigned major, minor;
} devices[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

static const char *const device_links[][2] = {
    {"fd", "/proc/self/fd"}, {"stdin", "fd/0"}, {"stdout", "fd/1"}, {"stderr", "fd/2"}, {"ptmx", "pts/ptmx"}};

/* A descriptor of a copy that is mounted nowhere. */
static int copy_tree(int fd, unsigned recursive, const char *path) {
  const unsigned flags = TREE_CLONE | TREE_CLOSE_ON_EXEC | EMPTY_PATH | recursive;
  return must(syscall(OPEN_TREE, fd, "", flags), "open_tree", path);
}

static void set_attributes(int tree, unsigned recursive, struct attributes attributes, const char *path) {
  const unsigned flags = EMPTY_PATH | recursive;
  must(syscall(MOUNT_SETATTR, tree, "", flags, &attributes, sizeof(attributes)), "mount_setattr", path);
}

static void attach(int tree, const char *path) {
  must(syscall(MOVE_MOUNT, tree, "", AT_FDCWD, path, 4), "move_mount", path);
}

static int is_bind(const struct step *step) { return step->kind == BIND || step->kind == BIND_FILE; }

static int copy_source(const struct step *step) {
  struct stat found;
  /* Held open, so that what was looked at is what gets mounted. */
  const int pinned = must(open(step->source, O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", step->source);
  must(fstat(pinned, &found), "fstat", step->source);
  const uint64_t set = NO_SUID | NO_DEV | (step->is_writable ? 0 : READ_ONLY);
  const int tree = copy_tree(pinned, step->is_writable ? 0 : RECURSIVE, step->source);
  set_attributes(tree, RECURSIVE, (struct attributes){.set = set, .propagation = MS_PRIVATE}, step->source);
  close(pinned);
  return tree;
}

static void mount_tmpfs(const char *target, unsigned long flags, const struct step *step) {
  static const char format[] = "mode=1777,size=%s,nr_inodes=%s,uid=%d,gid=%d";
  char options[128];
  snprintf(options, sizeof(options), format, step->source, step->files, FIRST_ID, FIRST_ID);
  must(mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV | flags, options), "mount", target);
}

/* What is below the file system at /dev/shm: nothing. */
static int no_folder = -1;

static void make_dev(const struct step *step) {
  const int directory = must(open("dev", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/dev");
  const int dev = copy_tree(directory, 0, "/dev");
  set_attributes(dev, 0, (struct attributes){.set = NO_SUID | NO_EXEC, .clear = NO_DEV}, "/dev");
  attach(dev, "dev");
  close(directory);
  for (size_t i = 0; i < COUNT(devices); i++) {
    const dev_t device = makedev(devices[i].major, devices[i].minor);
    must(mknodat(dev, devices[i].name, S_IFCHR | 0666, device), "mknodat", devices[i].name);
  }
  for (size_t i = 0; i < COUNT(device_links); i++)
    must(symlinkat(device_links[i][1], dev, device_links[i][0]), "symlinkat", device_links[i][0]);
  must(mkdirat(dev, "shm", 0755), "mkdirat", "/dev/shm");
  no_folder = must(openat(dev, "shm", O_PATH | O_CLOEXEC), "open", "/dev/shm");
  mount_tmpfs("dev/shm", MS_NOEXEC, step);
  must(mkdirat(dev, "pts", 0755), "mkdirat", "/dev/pts");
  const char *const options = "newinstance,ptmxmode=0666,mode=0600,max=128";
  must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, options), "mount", "/dev/pts");
  set_attributes(dev, 0, (struct attributes){.set = READ_ONLY}, "/dev");
  close(dev);
}

static void attach_copy(int copy, const char *path) {
  attach(copy, path);
  close(copy);
}

/* What is about the host (native/linux/root_contents), as far as this kernel has it. */
static const char *const hidden_files[] = {"kallsyms",  "locks",         "modules",    "keys",
                                           "key-users", "latency_stats", "sched_debug"};
static const char *const hidden_folders[] = {"pressure", "acpi", "bus", "fs", "irq", "scsi"};

static void hide(int cover, const char *name) {
  char path[64];
  snprintf(path, sizeof(path), "proc/%s", name);
  if (access(path, F_OK) == 0) attach_copy(copy_tree(cover, 0, path), path);
}

static void make_proc(const char *target) {
  must(mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=ptraceable"), "mount", target);
  const int null = must(open("dev/null", O_PATH | O_CLOEXEC), "open", "/dev/null");
  for (size_t i = 0; i < COUNT(hidden_files); i++) hide(null, hidden_files[i]);
  for (size_t i = 0; i < COUNT(hidden_folders); i++) hide(no_folder, hidden_folders[i]);
  close(null);
}

/* But for /dev and /proc, which a session has before it knows its ids, a folder belongs to root of the session. */
static void make_directory(const char *path, mode_t mode) {
  must(mkdir(path, mode), "mkdir", path);
  if (strcmp(path, "dev") != 0 && strcmp(path, "proc") != 0) must(chown(path, FIRST_ID, FIRST_ID), "chown", path);
}

static void perform(const struct step *step, int copy) {
  const char *target = step->target + 1;
  if (step->kind == DIRECTORY)
    make_directory(target, step->mode);
  else if (step->kind == PLACEHOLDER)
    must(mknodat(AT_FDCWD, target, S_IFREG | 0444, 0), "mknodat", target);
  else if (step->kind == SYMLINK)
    must(symlink(step->source, target), "symlink", target);
  else if (step->kind == TMPFS)
    mount_tmpfs(target, 0, step);
  else if (step->kind == PROC)
    make_proc(target);
  else if (step->kind == DEV)
    make_dev(step);
  else
    attach_copy(copy, target);
}

static int make_root(void) {
  const int fs = must(syscall(FSOPEN, "tmpfs", 1), "fsopen", "/");
  must(syscall(FSCONFIG, fs, 1, "mode", "0755", 0), "fsconfig", "/");
  must(syscall(FSCONFIG, fs, 6, NULL, NULL, 0), "fsconfig", "/");
  const int root = must(syscall(FSMOUNT, fs, 1, NO_SUID | NO_DEV), "fsmount", "/");
  close(fs);
  attach(root, "/");
  must(fchdir(root), "fchdir", "/");
  return root;
}

void change_root(const struct plan *plan, int empty_mounts) {
  /* So many descriptors at once: Node, which starts us, has raised the limit of them. */
  int copies[plan->step_count];
  for (size_t i = 0; i < plan->step_count; i++)
    copies[i] = is_bind(&plan->steps[i]) ? copy_source(&plan->steps[i]) : -1;
  /* A copy of a namespace in which there is nothing, and not of the host's. */
  must(setns(empty_mounts, CLONE_NEWNS), "setns", "/");
  must(unshare(CLONE_NEWNS), "unshare", "/");
  const int root = make_root();
  must(chroot("."), "chroot", "/");
  must(chown(".", FIRST_ID, FIRST_ID), "chown", "/");
  for (size_t i = 0; i < plan->step_count; i++) perform(&plan->steps[i], copies[i]);
  set_attributes(root, 0, (struct attributes){.set = READ_ONLY}, "/");
  close(root);
}

int make_empty_mounts(void *making) {
  int *mounts = making;
  *mounts = must(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), "open", "/proc/self/ns/mnt");
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount", "/");
  const int root = make_root();
  set_attributes(root, 0, (struct attributes){.set = READ_ONLY}, "/");
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root", "/");
  must(umount2(".", MNT_DETACH), "umount2", "/");
  return 0;
}
