/*
 * A build that takes all it can of what builds have in common, over and over, and ends by no signal but SIGKILL.
 *
 *   hostile ATTACK...    each in processes of its own; `all`: every one but that which only computes, and that which
 *                        prints, as a limit soon ends it
 */
#ifdef __linux__
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/inotify.h>
#else
#include <sys/param.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/mount.h>
#include <sys/sysctl.h>
#endif
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Less than a limit of memory of 256 MiB, with what else there is. */
enum { kMib = 1024 * 1024, kTouched = 96, kMostKept = 4096, kBlock = 65536 };

static char block[kBlock];

static void compute(void) {
  for (volatile long i = 0; i < 100000000; i++) continue;
}

/* As many as there may be, all at once; then many that end at once. */
static void storm(void) {
  static pid_t children[kMostKept];
  int count = 0;

  while (count < kMostKept && (children[count] = fork()) >= 0) {
    if (children[count++] == 0) {
      for (;;) pause();
    }
  }
  for (int i = 0; i < count; i++) kill(children[i], SIGKILL);
  for (int i = 0; i < count; i++) waitpid(children[i], NULL, 0);
  for (int i = 0; i < 1000; i++) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
  }
}

#ifdef __linux__
static void walk_below(const char *folder, int depth) {
  char path[PATH_MAX];
  DIR *listed = opendir(folder);
  struct dirent *entry;

  while (listed != NULL && (entry = readdir(listed)) != NULL) {
    int file;

    if (entry->d_name[0] == '.' || (size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= sizeof(path))
      continue;
    if (entry->d_type == DT_DIR && depth > 0) walk_below(path, depth - 1);
    /* Those below sys hold settings, which are nobody's but the host's. */
    if (entry->d_type != DT_REG || (file = open(path, O_RDONLY | O_NONBLOCK)) < 0) continue;
    for (int i = 0; i < 16 && read(file, block, sizeof(block)) > 0; i++) continue;
    close(file);
  }
  if (listed != NULL) closedir(listed);
}

/* The tables of processes and of mounts. */
static void walk(void) {
  for (int i = 0; i < 500; i++) {
    int table = open("/proc/self/mountinfo", O_RDONLY);
    while (read(table, block, sizeof(block)) > 0) continue;
    close(table);
  }
  walk_below("/proc", 2);
}
#else
static void walk(void) {
  static const char *const tables[] = {"kern.proc.all",
                                       "kern.file",
                                       "vm.objects",
                                       "vm.vmtotal",
                                       "kern.ipc.posix_shm_list",
                                       "net.local.stream.pcblist",
                                       "net.inet.tcp.pcblist"};

  for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
    size_t size = 0;
    void *into;

    sysctlbyname(tables[i], NULL, &size, NULL, 0);
    size += size / 4;
    if ((into = malloc(size)) != NULL) sysctlbyname(tables[i], into, &size, NULL, 0);
    free(into);
  }
  for (int i = 0; i < 100; i++) {
    static struct statfs mounts[1024];
    getfsstat(mounts, sizeof(mounts), MNT_WAIT);
  }
}
#endif

/* Up to what /tmp may have. */
static void make_files(void) {
  char folder[64], path[128], other[128];
  int made = 0, file;

  snprintf(folder, sizeof(folder), "/tmp/hostile%d", getpid());
  mkdir(folder, 0700);
  for (;; made++) {
    snprintf(path, sizeof(path), "%s/%d", folder, made);
    if ((file = open(path, O_CREAT | O_WRONLY, 0600)) < 0) break;
    if (made < 512 && write(file, block, sizeof(block)) < 0) (void)ftruncate(file, 0);
    close(file);
  }
  for (int i = 0; i < made; i++) {
    snprintf(path, sizeof(path), "%s/%d", folder, i);
    snprintf(other, sizeof(other), "%s/of%d", folder, i);
    if (rename(path, other) == 0) unlink(other);
  }
  rmdir(folder);
}

static char *map(size_t size) {
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);

  return memory == MAP_FAILED ? NULL : memory;
}

static void touch(char *memory, size_t size) {
  for (size_t at = 0; memory != NULL && at < size; at += 4096) memory[at] = 1;
}

static void take_memory(void) {
  char *memory = map((size_t)kTouched * kMib);

  touch(memory, (size_t)kTouched * kMib);
  if (memory != NULL) munmap(memory, (size_t)kTouched * kMib);
}

/* Until the kernel ends it. */
static void exceed_memory(void) {
  pid_t child = fork();

  while (child == 0) touch(map(16 * kMib), 16 * kMib);
  if (child > 0) waitpid(child, NULL, 0);
}

/* Of what takes a descriptor, in turn; -1 where there is no more. */
static int make_one(int n) {
  int ends[2] = {-1, -1};

  switch (n % 5) {
    case 0:
      return socket(AF_INET, SOCK_DGRAM, 0);
#ifdef __linux__
    case 1:
      return inotify_init1(IN_NONBLOCK);
    case 2:
      return epoll_create1(0);
#else
    case 1:
    case 2:
      return kqueue();
#endif
    case 3:
      if (pipe(ends) != 0) return -1;
      break;
    default:
      if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return -1;
  }
  /* What waits in them takes memory, too. */
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  while (write(ends[1], block, sizeof(block)) > 0) continue;
  return ends[0];
}

static void make_sockets(void) {
  for (int made = 0, none = 0; none < 5 && made < kMostKept; made++) none = make_one(made) < 0 ? none + 1 : 0;
  /* All but the standard ones. */
  for (int fd = 3; fd < 2 * kMostKept; fd++) close(fd);
}

/* As many as a process may have, in several at once. */
static void open_files(void) {
  enum { kProcesses = 8 };
  pid_t children[kProcesses];

  for (int i = 0; i < kProcesses; i++) {
    if ((children[i] = fork()) != 0) continue;
    while (open("/dev/null", O_RDONLY) >= 0) continue;
    _exit(0);
  }
  for (int i = 0; i < kProcesses; i++) {
    if (children[i] > 0) waitpid(children[i], NULL, 0);
  }
}

static void print(void) {
  if (write(STDOUT_FILENO, block, sizeof(block)) < 0) _exit(0);
}

/* Many small ones, so that the kernel has many to look through, and large ones whose access changes. */
static void churn_maps(void) {
  enum { kMaps = 1000 };
  static char *maps[kMaps];

  for (int i = 0; i < kMaps; i++) {
    maps[i] = map(2 * 4096);
    touch(maps[i], 4096);
    if (maps[i] != NULL) mprotect(maps[i], 4096, PROT_READ);
  }
  for (int i = 0; i < kMaps; i++) {
    if (maps[i] != NULL) munmap(maps[i], 2 * 4096);
  }
  for (int i = 0; i < 16; i++) {
    char *large = map(4 * kMib);
    touch(large, 4 * kMib);
    if (large != NULL) {
      mprotect(large, 2 * kMib, PROT_NONE);
      munmap(large, 4 * kMib);
    }
  }
}

/* To everybody in reach, for which the kernel looks at every process there is; and as many waiting as there may be. */
static void send_signals(void) {
  enum { kMost = 10000 };
  struct timespec none = {0, 0};
  union sigval value = {.sival_int = 0};
  sigset_t waiting;
  int queued = 0;

  for (int i = 0; i < 1000; i++) kill(-1, SIGUSR1);
  sigemptyset(&waiting);
  sigaddset(&waiting, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &waiting, NULL);
  while (queued < kMost && sigqueue(getpid(), SIGRTMIN, value) == 0) queued++;
  while (queued-- > 0) sigtimedwait(&waiting, NULL, &none);
}

/* Locks that do not touch each other. */
static void lock_records(void) {
  enum { kMost = 20000 };
  int file = open("/tmp/locked", O_CREAT | O_RDWR, 0600);

  for (int i = 0; i < kMost; i++) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2L * i, .l_len = 1};
    if (fcntl(file, F_SETLK, &lock) != 0) break;
  }
  close(file);
}

static const struct {
  const char *name;
  void (*once)(void);
  int processes;
} attacks[] = {
    {"computing", compute, 1},    {"forks", storm, 2},
    {"walks", walk, 4},           {"files", make_files, 2},
    {"memory", take_memory, 1},   {"too much memory", exceed_memory, 1},
    {"sockets", make_sockets, 2}, {"descriptors", open_files, 1},
    {"output", print, 1},         {"maps", churn_maps, 4},
    {"signals", send_signals, 4}, {"locks", lock_records, 2},
};
enum { kAttacks = sizeof(attacks) / sizeof(*attacks), kMostProcesses = 64 };

static int is_asked_for(int attack, int count, char **names) {
  for (int i = 0; i < count; i++) {
    if (strcmp(names[i], attacks[attack].name) == 0 ||
        (strcmp(names[i], "all") == 0 && attacks[attack].once != compute && attacks[attack].once != print))
      return 1;
  }
  return 0;
}

static pid_t begin(int attack) {
  pid_t child = fork();

  while (child == 0) attacks[attack].once();
  return child;
}

int main(int argc, char **argv) {
  static struct {
    pid_t pid;
    int attack;
  } running[kMostProcesses];
  int count = 0;

  for (int signal = 1; signal < NSIG; signal++) {
    if (signal != SIGKILL && signal != SIGSTOP && signal != SIGCHLD)
      sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
  }
  for (int attack = 0; attack < kAttacks; attack++) {
    for (int i = 0; i < attacks[attack].processes && is_asked_for(attack, argc - 1, argv + 1); i++)
      running[count++].attack = attack;
  }
  if (count == 0) return 2;
  /* Those that the kernel has ended begin again, as soon as there is room for them. */
  for (;;) {
    int waited = 0;
    pid_t ended;

    for (int i = 0; i < count; i++) {
      if (running[i].pid <= 0 && (running[i].pid = begin(running[i].attack)) < 0) waited = 1;
    }
    if (waited) usleep(10000);
    ended = waitpid(-1, NULL, waited ? WNOHANG : 0);
    for (int i = 0; i < count && ended > 0; i++) {
      if (running[i].pid == ended) running[i].pid = 0;
    }
  }
}
