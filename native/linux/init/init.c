/*
 * Pid 1 of a session. It has one file and no C library, so it starts at once and needs nothing of the root it lives in.
 *
 * Descriptor 0 is a socket to the host program (messages.h), which sends commands to launch and signals for them; init
 * reports their ends. When the host program closes the session it shuts its end down, and when it dies the kernel does.
 * Then init kills all processes, waits for them and ends, and the pid namespace ends with it (pid_namespaces(7)). Until
 * then it keeps the lock of the session's journal open, so a recovery that gets that lock meets no process of the
 * session.
 *
 * In a user namespace init's user has no number there, and it has capabilities all the same (linux/namespaces.cc). So
 * it touches no file, and a command changes to its directory as the build user.
 *
 * A command is made by fork(2). With vfork(2), a build that stops a command before it executes (SIGSTOP) would stop
 * init. Init has next to no memory, so fork(2) costs little more. No memory of the host program is in here.
 */

#include <sys/syscall.h>

#include "messages.h"

enum {
  kControl = 0,
  kEveryone = -1,
  kSigkill = 9,
  kSigchld = 17,
  kInterrupted = -4,   /* EINTR */
  kAgain = -11,        /* EAGAIN */
  kNoAccess = -13,     /* EACCES */
  kNotThere = -2,      /* ENOENT */
  kNotDirectory = -20, /* ENOTDIR */
  kTooMany = 24,       /* EMFILE */
  kHere = -100,        /* AT_FDCWD */
  kUmask = 022,
  // defence: message-queues-session-bounded
  kMostQueueBytes = 409600,
  kMostWords = 2048,
  kNoHang = 1,                  /* WNOHANG */
  kWaitAll = 0x40000000,        /* __WALL */
  kReadable = 1,                /* POLLIN */
  kReadOnly = 0,                /* O_RDONLY */
  kWriteOnly = 1,               /* O_WRONLY */
  kSetDescriptorFlags = 2,      /* F_SETFD */
  kCloseOnExec = 02000000,      /* O_CLOEXEC, SFD_CLOEXEC */
  kNonBlocking = 04000,         /* O_NONBLOCK, SFD_NONBLOCK */
  kReadWrite = 3,               /* PROT_READ | PROT_WRITE */
  kPrivate = 2,                 /* MAP_PRIVATE */
  kShared = 1,                  /* MAP_SHARED */
  kAnonymous = 0x20,            /* MAP_ANONYMOUS */
  kReceiveClosing = 0x40000000, /* MSG_CMSG_CLOEXEC */
  kTruncated = 0x8,             /* MSG_CTRUNC */
  kNoSignal = 0x4000,           /* MSG_NOSIGNAL */
  kSocketLevel = 1,             /* SOL_SOCKET */
  kRights = 1,                  /* SCM_RIGHTS */
  kCoreLimit = 4,               /* RLIMIT_CORE */
  kQueueLimit = 12,             /* RLIMIT_MSGQUEUE */
  kSetControlling = 0x540e      /* TIOCSCTTY */
};

/* prctl(2). */
enum {
  kSetDumpable = 4,
  kSetName = 15,
  kDropBounding = 24,
  kSetSecurebits = 28,
  kSetSubreaper = 36,
  kAmbient = 47,
  kAmbientClear = 4
};

/* capabilities(7), "The securebits flags"; above each its lock. */
enum {
  kNoRoot = 1,
  kNoRootLocked = 2,
  kNoSetuidFixupLocked = 8,
  kKeepCapsLocked = 32,
  kNoAmbientRaise = 64,
  kNoAmbientRaiseLocked = 128
};

/* After this time init reports the pid of a command that still runs; that of a shorter one it never reports. */
static const struct {
  long seconds, nanoseconds;
} kTellAfter = {0, 5000000};

/* struct msghdr of recvmsg(2), as the kernel has it on 64 bits. */
struct packet {
  void* name;
  unsigned name_size;
  struct part {
    void* start;
    unsigned long size;
  }* parts;
  unsigned long part_count;
  void* control;
  unsigned long control_size;
  unsigned flags;
};

/* struct cmsghdr (cmsg(3)), with the descriptors behind it. */
struct rights {
  unsigned long size;
  int level, type;
  int descriptors[4];
};

struct pollable {
  int descriptor;
  short events, happened;
};

/* struct rusage (getrusage(2)), as far as it is read. */
struct usage {
  long user_s, user_us, system_s, system_us, max_rss_kib;
  long rest[13];
};

/* The commands that run, each in a place that it keeps; in a free place the number is 0. */
static struct command {
  unsigned number;
  int pid;
  /* The read end of a pipe whose other end closes when the command executes; -1 if that is not reported. */
  int execution;
  int is_told;
} commands[kMostCommands];
/* All places from this one on are free. */
static unsigned command_end;

/* How far the command in each place has come, and the errno it failed with: memory that it shares with init. */
static struct failure {
  unsigned step;
  /* 0 while nothing has failed. */
  int err;
}* failures;

static union {
  unsigned kind;
  struct launch_message launch;
  struct command_message command;
  char bytes[sizeof(struct launch_message) + kMostInline];
} message;
static char* words[kMostWords];
static int is_bounded;

#if defined(__x86_64__)
static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#elif defined(__riscv) && __riscv_xlen == 64
static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  register long a5 __asm__("a5") = f;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
  return a0;
}
#else
#error "buildjail's init has no system call for this architecture yet: add it here"
#endif

static long call3(long number, long a, long b, long c) { return system_call(number, a, b, c, 0, 0, 0); }

/* Field by field: an initializer could become a call of memset(3), which is not there. */
static struct packet packet_of(struct part* part) {
  struct packet packet;
  packet.name = 0;
  packet.name_size = 0;
  packet.parts = part;
  packet.part_count = 1;
  packet.control = 0;
  packet.control_size = 0;
  packet.flags = 0;
  return packet;
}

/* `descriptor` comes along; -1 is none. */
static void send_answer(const struct answer* what, int descriptor) {
  struct part part = {.start = (void*)what, .size = sizeof(*what)};
  struct packet packet = packet_of(&part);
  struct rights rights;
  if (descriptor >= 0) {
    rights.size = sizeof(rights.size) + 2 * sizeof(int) + sizeof(int);
    rights.level = kSocketLevel;
    rights.type = kRights;
    rights.descriptors[0] = descriptor;
    packet.control = &rights;
    packet.control_size = sizeof(rights.size) + 2 * sizeof(int) + 2 * sizeof(int);
  }
  while (call3(__NR_sendmsg, kControl, (long)&packet, kNoSignal) == kInterrupted) {
  }
}

static void tell_failure(unsigned number, unsigned step, int err) {
  const struct answer said = {.kind = kAnswerFailed, .number = number, .step = step, .err = err};
  send_answer(&said, -1);
}

/* The command itself has sent its pid. */
static void tell_started(struct command* command) {
  const struct answer said = {.kind = kAnswerStarted, .number = command->number};
  command->is_told = 1;
  send_answer(&said, -1);
}

static void tell_pid(struct command* command) {
  const struct answer said = {.kind = kAnswerPid, .number = command->number};
  const long pidfd = call3(__NR_pidfd_open, command->pid, 0, 0);
  command->is_told = 1;
  if (pidfd < 0) return;
  send_answer(&said, (int)pidfd);
  call3(__NR_close, pidfd, 0, 0);
}

static void forget_execution(struct command* command) {
  if (command->execution >= 0) call3(__NR_close, command->execution, 0, 0);
  command->execution = -1;
}

static struct command* command_of(unsigned number) {
  for (unsigned i = 0; i < command_end; i++)
    if (commands[i].number == number) return &commands[i];
  return 0;
}

/* A process that was an orphan and no command is not reported. */
static void tell_end(int pid, int status, const struct usage* used) {
  unsigned at = 0;
  while (at < command_end && (commands[at].number == 0 || commands[at].pid != pid)) at++;
  if (at == command_end) return;
  const struct answer said = {.kind = kAnswerExited,
                              .number = commands[at].number,
                              .status = status,
                              .user_us = used->user_s * 1000000LL + used->user_us,
                              .system_us = used->system_s * 1000000LL + used->system_us,
                              .max_rss_kib = used->max_rss_kib};
  if (failures[at].err != 0)
    tell_failure(commands[at].number, failures[at].step, failures[at].err);
  else
    send_answer(&said, -1);
  forget_execution(&commands[at]);
  commands[at].number = 0;
  while (command_end > 0 && commands[command_end - 1].number == 0) command_end--;
}

/* Waits for the processes that have ended; if `flags` is 0, for all. */
static void reap(long flags) {
  for (;;) {
    int status;
    struct usage used;
    const long pid = system_call(__NR_wait4, kEveryone, (long)&status, flags | kWaitAll, (long)&used, 0, 0);
    if (pid == kInterrupted) continue;
    if (pid <= 0) return;
    tell_end((int)pid, status, &used);
  }
}

/* Before the first command: from now on no program that is executed can get more than `kept` (capabilities(7)). */
static long bound(unsigned long long kept) {
  // defence: command-executed-build-user-2
  const long bits = (kept == 0 ? kNoRoot : 0) | kNoRootLocked | kNoSetuidFixupLocked | kKeepCapsLocked |
                    kNoAmbientRaise | kNoAmbientRaiseLocked;
  long result = call3(__NR_prctl, kSetSecurebits, bits, 0);
  for (long capability = 0; result == 0 && capability < 64; capability++) {
    // defence: capabilities-bounded
    if ((kept >> capability & 1) != 0) continue;
    /* EINVAL: the first number that the running kernel has no capability for. */
    if (call3(__NR_prctl, kDropBounding, capability, 0) != 0) break;
  }
  return result;
}

/* An array of the strings from `text` on, and a null pointer behind them. */
static char* take_words(char* text, unsigned count, char** into) {
  for (unsigned i = 0; i < count; i++) {
    into[i] = text;
    while (*text++ != 0) {
    }
  }
  into[count] = 0;
  return text;
}

/* Like execvp(3), with the paths given: tries the next one if there is no such file. */
static long execute(char** candidates, char** arguments, char** variables) {
  long found = kNotThere;
  for (char** candidate = candidates; *candidate != 0; candidate++) {
    const long result = call3(__NR_execve, (long)*candidate, (long)arguments, (long)variables);
    if (result == kNoAccess)
      found = result;
    else if (result != kNotThere && result != kNotDirectory)
      return result;
  }
  return found;
}

/*
 * Of this process and all that it starts. Never more than there is: to raise a hard limit takes a capability over the
 * host (setrlimit(2), CAP_SYS_RESOURCE), which nobody in here has. So the build keeps what it gets, as root too.
 */
static long limit(const struct process_limit* asked) {
  unsigned long long bounds[2]; /* struct rlimit64: soft, hard */
  long result;
  result = system_call(__NR_prlimit64, 0, asked->resource, 0, (long)bounds, 0, 0);
  if (result < 0) return result;
  // defence: build-does-not-raise
  if (bounds[1] > asked->hard) bounds[1] = asked->hard;
  bounds[0] = bounds[1] < asked->most ? bounds[1] : asked->most;
  return system_call(__NR_prlimit64, 0, asked->resource, (long)bounds, 0, 0, 0);
}

/* That of the session: a build that is root could change the mode of the host's. */
static long open_null(int number) {
  return call3(__NR_openat, kHere, (long)"/dev/null", number == 0 ? kReadOnly : kWriteOnly);
}

/*
 * The child, up to execve(2). It is not dumpable (PR_SET_DUMPABLE(2const)), as init is not: until it executes, no
 * process in here may trace it, or make it leave a core. Orphans are reparented to it while it runs, and to init
 * afterwards: so a command and all that it started are told from its neighbours (PR_SET_CHILD_SUBREAPER(2const)).
 */
static void run_command(const struct launch_message* launch, const int* descriptors, char* text, char** into,
                        struct failure* failure) {
  static const unsigned long none;
  const struct {
    unsigned version;
    int pid;
  } header = {0x20080522, 0};
  const unsigned low = (unsigned)launch->kept_capabilities;
  const unsigned halves[6] = {low, low, 0, 0, 0, 0};
  const unsigned* const groups = (const unsigned*)text;
  char** const candidates = into;
  char** const arguments = candidates + launch->candidate_count + 1;
  char** const variables = arguments + launch->argument_count + 1;
  char* directory;
  long result;
  text = take_words(text + launch->group_count * sizeof(unsigned), launch->candidate_count, candidates);
  directory = text;
  while (*text++ != 0) {
  }
  text = take_words(text, launch->argument_count, arguments);
  take_words(text, launch->variable_count, variables);

  if ((launch->flags & (kLaunchTells | kLaunchWaits)) != 0) {
    /* The kernel adds the sender's pid, in the numbering of the reader (unix(7), SO_PASSCRED). */
    const struct answer said = {.kind = kAnswerPid, .number = launch->number};
    send_answer(&said, -1);
  }
  failure->step = kStepSession;
  if ((result = call3(__NR_setsid, 0, 0, 0)) < 0) goto failed;
  // defence: command-started-told-neighbours
  if ((result = call3(__NR_prctl, kSetSubreaper, 1, 0)) < 0) goto failed;
  /*
   * They came in this order, each with the lowest free number, which is at least 2: init has 0 and 1. So none is where
   * one before it is put, but one may be where it is to be already.
   */
  for (int i = 0; i < 3; i++) {
    failure->step = kStepNull;
    const long from = descriptors[i] >= 0 ? descriptors[i] : open_null(i);
    if ((result = from) < 0) goto failed;
    failure->step = kStepStdio;
    result = from == i ? call3(__NR_fcntl, from, kSetDescriptorFlags, 0) : call3(__NR_dup3, from, i, 0);
    if (result < 0) goto failed;
  }
  failure->step = kStepTerminal;
  if (launch->terminal != 0 && (result = call3(__NR_ioctl, (long)launch->terminal - 1, kSetControlling, 0)) < 0)
    goto failed;
  failure->step = kStepClose;
  /* CLOSE_RANGE_CLOEXEC: they close when it executes. */
  // defence: command-no-descriptor-init-2
  if ((result = call3(__NR_close_range, 3, ~0U, 4)) < 0) goto failed;
  failure->step = kStepLimits;
  for (unsigned i = 0; i < launch->limit_count; i++)
    if ((result = limit(&launch->limits[i])) < 0) goto failed;
  failure->step = kStepGroups;
  // defence: command-declared-groups-only
  if ((launch->flags & kLaunchSetsGroups) != 0 &&
      (result = call3(__NR_setgroups, launch->group_count, (long)groups, 0)) < 0)
    goto failed;
  failure->step = kStepGroup;
  // defence: command-declared-group-id
  if ((result = call3(__NR_setresgid, launch->gid, launch->gid, launch->gid)) < 0) goto failed;
  failure->step = kStepCapabilities;
  if ((result = system_call(__NR_prctl, kAmbient, kAmbientClear, 0, 0, 0, 0)) < 0) goto failed;
  failure->step = kStepUser;
  // defence: command-declared-user-id
  if ((result = call3(__NR_setresuid, launch->uid, launch->uid, launch->uid)) < 0) goto failed;
  failure->step = kStepCapabilities;
  // defence: command-executed-build-user
  if ((result = call3(__NR_capset, (long)&header, (long)halves, 0)) < 0) goto failed;
  failure->step = kStepDirectory;
  if ((result = call3(__NR_chdir, (long)directory, 0, 0)) < 0) goto failed;
  failure->step = kStepSignals;
  if ((result = system_call(__NR_rt_sigprocmask, 2, (long)&none, 0, 8, 0, 0)) < 0) goto failed;
  while ((launch->flags & kLaunchWaits) != 0) {
    call3(__NR_close, descriptors[3], 0, 0);
    system_call(__NR_ppoll, 0, 0, 0, 0, 0, 0);
  }
  failure->step = kStepExecute;
  result = execute(candidates, arguments, variables);
failed:
  failure->err = (int)-result;
  for (;;) call3(__NR_exit_group, 127, 0, 0);
}

static void* map(unsigned long size, long flags, long descriptor) {
  const long at = system_call(__NR_mmap, 0, (long)size, kReadWrite, flags, descriptor, 0);
  return at < 0 && at > -4096 ? 0 : (void*)at;
}

static unsigned free_place(void) {
  unsigned at = 0;
  while (at < command_end && commands[at].number != 0) at++;
  return at;
}

/* Returns 0, or the step that failed and its `err`. */
static unsigned begin(const struct launch_message* launch, int* descriptors, char* text, int* err) {
  const unsigned long word_count =
      (unsigned long)launch->candidate_count + launch->argument_count + launch->variable_count + 3;
  const unsigned at = free_place();
  int ends[2] = {-1, -1};
  char** into = words;
  long pid;
  if (at == kMostCommands) {
    *err = kTooMany;
    return kStepClone;
  }
  if (word_count > kMostWords && (into = map(word_count * sizeof(*into), kPrivate | kAnonymous, -1)) == 0) {
    *err = 12; /* ENOMEM */
    return kStepMap;
  }
  if ((launch->flags & (kLaunchTells | kLaunchWaits)) != 0) {
    const long made = call3(__NR_pipe2, (long)ends, kCloseOnExec, 0);
    if (made < 0) {
      *err = (int)-made;
      return kStepReceive;
    }
  }
  failures[at].err = 0;
  descriptors[3] = ends[1];
  pid = system_call(__NR_clone, kSigchld, 0, 0, 0, 0, 0);
  if (pid == 0) run_command(launch, descriptors, text, into, &failures[at]);
  if (into != words) call3(__NR_munmap, (long)into, (long)(word_count * sizeof(*into)), 0);
  if (ends[1] >= 0) call3(__NR_close, ends[1], 0, 0);
  if (pid < 0) {
    if (ends[0] >= 0) call3(__NR_close, ends[0], 0, 0);
    *err = (int)-pid;
    return kStepClone;
  }
  commands[at].number = launch->number;
  commands[at].pid = (int)pid;
  commands[at].execution = ends[0];
  commands[at].is_told = 0;
  if (at >= command_end) command_end = at + 1;
  return 0;
}

static void launch(const struct launch_message* launch, const int* descriptors, unsigned descriptor_count) {
  const unsigned is_long = (launch->flags & kLaunchIsLong) != 0;
  char* text = (char*)(launch + 1);
  unsigned step = kStepReceive;
  int err = kTooMany;
  /* The last is the write end of a pipe that closes when the command executes. */
  int stdio[4] = {-1, -1, -1, -1};
  unsigned taken = 0;
  for (unsigned i = 0; i < 3; i++)
    if ((launch->given >> i & 1) != 0) stdio[i] = taken++ < descriptor_count ? descriptors[taken - 1] : -1;
  if (descriptor_count == taken + is_long) {
    step = 0;
    if (is_long && (text = map(launch->text_size, kPrivate, descriptors[taken])) == 0) {
      step = kStepMap;
      err = 12; /* ENOMEM */
    }
    if (step == 0 && (launch->flags & kLaunchBounds) != 0 && !is_bounded) {
      const long result = bound(launch->kept_capabilities);
      is_bounded = result == 0;
      err = (int)-result;
      if (!is_bounded) step = kStepBound;
    }
    if (step == 0) step = begin(launch, stdio, text, &err);
    if (is_long && text != 0) call3(__NR_munmap, (long)text, (long)launch->text_size, 0);
  }
  for (unsigned i = 0; i < descriptor_count; i++) call3(__NR_close, descriptors[i], 0, 0);
  if (step != 0) tell_failure(launch->number, step, err);
}

static void signal_command(unsigned number, int signal) {
  struct command* const command = command_of(number);
  if (command == 0) return;
  /* Its process group, which it may not have made yet. */
  if (call3(__NR_kill, -command->pid, signal, 0) < 0) call3(__NR_kill, command->pid, signal, 0);
}

/* One packet. False at the end. */
static int receive(void) {
  struct rights rights;
  struct part part = {.start = &message, .size = sizeof(message)};
  struct packet packet = packet_of(&part);
  unsigned descriptor_count = 0;
  long got;
  packet.control = &rights;
  packet.control_size = sizeof(rights);
  // defence: command-no-descriptor-init
  got = call3(__NR_recvmsg, kControl, (long)&packet, kReceiveClosing);
  if (got == kInterrupted) return 1;
  if (got <= 0) return 0;
  if (packet.control_size > 0 && rights.type == kRights)
    descriptor_count = (unsigned)((rights.size - sizeof(rights.size) - 2 * sizeof(int)) / sizeof(int));
  if ((packet.flags & kTruncated) != 0 && message.kind == kMessageLaunch) {
    for (unsigned i = 0; i < descriptor_count; i++) call3(__NR_close, rights.descriptors[i], 0, 0);
    descriptor_count = 0;
  }
  if (message.kind == kMessageLaunch) {
    launch(&message.launch, rights.descriptors, descriptor_count);
  } else if (message.kind == kMessageTell) {
    struct command* const command = command_of(message.command.number);
    if (command != 0) tell_pid(command);
  } else if (message.kind == kMessageSignal && message.command.number != 0) {
    signal_command(message.command.number, message.command.signal);
  } else if (message.kind == kMessageSignal) {
    /* To all but pid 1 at once: none that is being forked is missed (kill(2)). */
    const struct answer said = {.kind = kAnswerSignalled};
    call3(__NR_kill, kEveryone, message.command.signal, 0);
    send_answer(&said, -1);
  }
  return 1;
}

static int is_untold(void) {
  for (unsigned i = 0; i < command_end; i++)
    if (commands[i].number != 0 && !commands[i].is_told && commands[i].execution < 0) return 1;
  return 0;
}

/* Until the host program shuts its end down. `children` reports processes that have ended (signalfd(2)). */
static void serve(int children) {
  static struct pollable watched[2 + kMostCommands];
  for (;;) {
    unsigned count = 2;
    long happened;
    watched[0].descriptor = kControl;
    watched[0].events = kReadable;
    watched[1].descriptor = children;
    watched[1].events = kReadable;
    for (unsigned i = 0; i < command_end; i++) {
      if (commands[i].number == 0 || commands[i].execution < 0) continue;
      watched[count].descriptor = commands[i].execution;
      watched[count++].events = 0;
    }
    happened = system_call(__NR_ppoll, (long)watched, count, is_untold() ? (long)&kTellAfter : 0, 0, 0, 0);
    if (happened == 0) {
      for (unsigned i = 0; i < command_end; i++)
        if (commands[i].number != 0 && !commands[i].is_told && commands[i].execution < 0) tell_pid(&commands[i]);
    }
    if (happened <= 0) continue;
    for (unsigned at = 2; at < count; at++) {
      if (watched[at].happened == 0) continue;
      for (unsigned i = 0; i < command_end; i++) {
        if (commands[i].number == 0 || commands[i].execution != watched[at].descriptor) continue;
        forget_execution(&commands[i]);
        if (failures[i].err == 0) tell_started(&commands[i]);
      }
    }
    if (watched[1].happened != 0) {
      char what[128]; /* struct signalfd_siginfo */
      call3(__NR_read, children, (long)what, sizeof(what));
      reap(kNoHang);
    }
    if (watched[0].happened != 0 && !receive()) return;
  }
}

#if defined(__x86_64__)
/* Entered by the kernel, so without the return address that a caller would have put on the stack. */
__attribute__((force_align_arg_pointer))
#endif
void _start(void);

void _start(void) {
  static const unsigned long children = 1UL << (kSigchld - 1);
  static const unsigned long no_core[2];
  /* In bytes, of POSIX message queues: half of what the host gives to all processes of a user (mq_overview(7)). */
  static const unsigned long queues[2] = {kMostQueueBytes, kMostQueueBytes};
  long told;
  call3(__NR_prctl, kSetName, (long)"buildjail-init", 0);
  /* In another pid namespace, kill(2) below would reach processes of the host. */
  while (call3(__NR_getpid, 0, 0, 0) != 1) call3(__NR_exit_group, 1, 0, 0);
  // defence: command-does-not-execute
  call3(__NR_prctl, kSetDumpable, 0, 0);
  // defence: command-does-not-execute-2
  system_call(__NR_prlimit64, 0, kCoreLimit, (long)no_core, 0, 0, 0);
  /* Refused where it is less already. */
  system_call(__NR_prlimit64, 0, kQueueLimit, (long)queues, 0, 0, 0);
  // defence: init-nobody-whom-root
  call3(__NR_umask, kUmask, 0, 0);
  system_call(__NR_rt_sigprocmask, 0, (long)&children, 0, 8, 0, 0);
  told = system_call(__NR_signalfd4, -1, (long)&children, 8, kCloseOnExec | kNonBlocking, 0, 0);
  failures = map(sizeof(*failures) * kMostCommands, kShared | kAnonymous, -1);
  if (told >= 0 && failures != 0) serve((int)told);
  call3(__NR_kill, kEveryone, kSigkill, 0);
  /* A recovery waits for the lock that init has, so init ends after all others. */
  reap(0);
  for (;;) call3(__NR_exit_group, 0, 0, 0);
}
