/*
 * Pid 1 of a session. Alone in its file and without a C library, so that it starts at once and needs nothing of the
 * root it lives in.
 *
 * Descriptor 0 is a socket whose other end the controller has. A byte asks for the end of every other process; it is
 * sent back when that was done. When the controller closes the session it shuts its end down, and when it dies the
 * kernel does; then this ends too, and with it the pid namespace and all that is in it (pid_namespaces(7)). Orphans
 * need no care: SIGCHLD is ignored since before this was executed, so the kernel reaps them (wait(2), ECHILD).
 *
 * Before that it hands back the outputs that were lent, so that a controller may die at any moment of closing. What it
 * is to know of each was sent to it (lent_message.h), with the lock of its lease, which thereby ends when this does,
 * and not before. A controller that lives looks again when everything inside is gone.
 */

#include <sys/syscall.h>

#include "lent_message.h"

enum {
  kControl = 0,
  kEveryone = -1,
  kSigkill = 9,
  kSetName = 15,       /* PR_SET_NAME */
  kInterrupted = -4,   /* EINTR */
  kNoAccess = -13,     /* EACCES */
  kHere = -100,        /* AT_FDCWD */
  kEmptyPath = 0x1000, /* AT_EMPTY_PATH */
  kBasicStats = 0x7ff, /* STATX_BASIC_STATS */
  kModeBits = 07777,
  kOwnersOwn = 0700
};

/* Alike on the architectures below, and not on all others: O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC. */
#if defined(__aarch64__)
enum { kOpenDirectory = 040000 | 0100000 | 02000000 };
#else
enum { kOpenDirectory = 0200000 | 0400000 | 02000000 };
#endif

/* struct statx of statx(2), as far as it is read. */
struct status {
  unsigned mask, block_size;
  unsigned long attributes;
  unsigned links, uid, gid;
  unsigned short mode, spare;
  unsigned long number, size, blocks, attributes_mask;
  struct {
    long seconds;
    unsigned nanoseconds;
    int spare;
  } times[4];
  unsigned device_major, device_minor, major, minor;
  unsigned long rest[14];
};

/* struct msghdr of recvmsg(2), as the kernel has it on 64 bits. */
struct packet {
  void* name;
  unsigned name_size;
  struct {
    void* start;
    unsigned long size;
  }* parts;
  unsigned long part_count;
  void* control;
  unsigned long control_size;
  unsigned flags;
};

/* Zero pages until they are written to. One more than may be lent, for what else arrives. */
static struct lent_message lent[kMostLent + 1];
static unsigned lent_count;

#if defined(__x86_64__)
static long system_call(long number, long a, long b, long c, long d, long e) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static long system_call(long number, long a, long b, long c, long d, long e) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
#elif defined(__riscv) && __riscv_xlen == 64
static long system_call(long number, long a, long b, long c, long d, long e) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4) : "memory");
  return a0;
}
#else
#error "buildjail's init has no system call for this architecture yet: add it here"
#endif

static long open_directory(const char* path) {
  return system_call(__NR_openat, kHere, (long)path, kOpenDirectory, 0, 0);
}

static long statx(long directory, struct status* now) {
  return system_call(__NR_statx, directory, (long)"", kEmptyPath, kBasicStats, (long)now);
}

/*
 * By descriptor, of the directory that was lent and of no other, and only while it is the build user's, or again that
 * of whom it was before. The owner first, and then what the mode is: whoever was killed may be in the middle of a
 * chmod(2), but who is not the owner any more is not let to change it again.
 */
static void hand_back(const struct lent_message* before) {
  struct status now;
  long directory = open_directory(before->path);
  if (directory == kNoAccess) {
    /* Without root's rights its mode may have been made one that keeps out the owner too. */
    system_call(__NR_fchmodat, kHere, (long)before->path, kOwnersOwn, 0, 0);
    directory = open_directory(before->path);
  }
  if (directory < 0) return;
  if (statx(directory, &now) == 0 && now.number == before->number && now.major == before->major &&
      now.minor == before->minor && (now.uid == before->user || now.uid == before->uid)) {
    system_call(__NR_fchown, directory, before->uid, before->gid, 0, 0);
    if (statx(directory, &now) == 0 && (now.mode & kModeBits) != before->mode)
      system_call(__NR_fchmod, directory, before->mode, 0, 0, 0);
  }
  system_call(__NR_close, directory, 0, 0, 0, 0);
}

/* The next packet, into the next place. The descriptor that comes with one stays open for good, wherever it is put. */
static long receive(struct lent_message* message) {
  static unsigned long rights[3]; /* CMSG_SPACE of one descriptor (cmsg(3)) */
  struct packet packet;
  __typeof__(packet.parts[0]) part;
  part.start = message;
  part.size = sizeof(*message);
  packet.name = 0;
  packet.name_size = 0;
  packet.parts = (void*)&part;
  packet.part_count = 1;
  packet.control = rights;
  packet.control_size = sizeof(rights);
  packet.flags = 0;
  return system_call(__NR_recvmsg, kControl, (long)&packet, 0, 0, 0);
}

#if defined(__x86_64__)
/* Entered by the kernel, so without the return address that a caller would have put on the stack. */
__attribute__((force_align_arg_pointer))
#endif
void _start(void);

void _start(void) {
  system_call(__NR_prctl, kSetName, (long)"buildjail-init", 0, 0, 0);
  /* In any other namespace everybody would be the host's. */
  while (system_call(__NR_getpid, 0, 0, 0, 0, 0) != 1) system_call(__NR_exit_group, 1, 0, 0, 0, 0);
  for (;;) {
    struct lent_message* const message = &lent[lent_count];
    const long got = receive(message);
    if (got == kInterrupted) continue;
    if (got > 1) {
      lent_count += 1;
      continue;
    }
    /* Everybody but pid 1, at once: whoever is being forked meanwhile is not missed (kill(2)). */
    system_call(__NR_kill, kEveryone, kSigkill, 0, 0, 0);
    if (got <= 0) break;
    system_call(__NR_write, kControl, (long)message, 1, 0, 0);
  }
  for (unsigned i = 0; i < lent_count; i++) hand_back(&lent[i]);
  for (;;) system_call(__NR_exit_group, 0, 0, 0, 0, 0);
}
