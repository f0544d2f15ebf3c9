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

/* Of the C library, only numbers and layouts that are the kernel's: none of its functions is there. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "calls.h"
#include "messages.h"
#include "system_call.h"

enum { kControl = 0, kEveryone = -1, kMostWords = 2048 };

/* After this time init reports the pid of a command that still runs; that of a shorter one it never reports. */
static const struct timespec kTellAfter = {.tv_sec = 0, .tv_nsec = 5000000};

/* struct cmsghdr (cmsg(3)), with the descriptors behind it. */
struct rights {
  unsigned long size;
  int level, type;
  int descriptors[kMostMessageDescriptors];
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

/* The call that the command in each place has come to, and the errno it failed with: memory that it shares with init.
 */
static struct failure {
  const char* call;
  /* 0 while nothing has failed. */
  int err;
}* failures;

static union {
  unsigned kind;
  struct launch_message launch;
  struct command_message command;
  struct calls_message calls;
  char bytes[sizeof(struct launch_message) + kMostInline];
} message;
static char* words[kMostWords];

/* The descriptors of `rights` come along. The packet is static, so that all of it is 0 without a call of memset(3). */
static struct rights sent_rights;
static long send_packet(const void* what, unsigned long size, unsigned descriptor_count) {
  static struct msghdr packet;
  struct iovec part = {.iov_base = (void*)what, .iov_len = size};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = 0;
  packet.msg_controllen = 0;
  if (descriptor_count > 0) {
    const unsigned long header = sizeof(sent_rights.size) + 2 * sizeof(int);
    sent_rights.size = header + descriptor_count * sizeof(int);
    sent_rights.level = SOL_SOCKET;
    sent_rights.type = SCM_RIGHTS;
    packet.msg_control = &sent_rights;
    /* Of two at a time (cmsg(3), CMSG_SPACE). */
    packet.msg_controllen = header + (descriptor_count + 1) / 2 * 2 * sizeof(int);
  }
  long sent;
  do {
    sent = call3(__NR_sendmsg, kControl, (long)&packet, MSG_NOSIGNAL);
  } while (sent == -EINTR);
  return sent;
}

/* Init's answer to calls. The last answer goes with the next message, which launches a command. */
static struct calls_answer made = {.kind = kAnswerCalls};
static int is_answer_due;

static void answer_calls(unsigned shown_count) {
  const unsigned long size = sizeof(made) - sizeof(made.nanoseconds) + made.mark_count * sizeof(*made.nanoseconds);
  is_answer_due = 0;
  /* A user may have only so many descriptors on their way (unix(7), ETOOMANYREFS): the host program waits for an
   * answer, and finds that they are missing. */
  if (send_packet(&made, size, shown_count) < 0 && shown_count > 0) send_packet(&made, size, 0);
}

/* The descriptor comes along unless it is -1. */
static void send_answer(const struct answer* what, int descriptor) {
  if (is_answer_due) answer_calls(0);
  sent_rights.descriptors[0] = descriptor;
  send_packet(what, sizeof(*what), descriptor >= 0);
}

static void tell_failure(unsigned number, const struct failure* failure) {
  static struct answer said = {.kind = kAnswerFailed};
  const char* from = failure->call;
  said.number = number;
  said.err = failure->err;
  for (unsigned i = 0; i + 1 < sizeof(said.call) && (said.call[i] = *from) != 0; i++) from++;
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

/* An orphan that is no command is not reported. */
static void tell_end(int pid, int status, const struct rusage* used) {
  unsigned at = 0;
  while (at < command_end && (commands[at].number == 0 || commands[at].pid != pid)) at++;
  if (at == command_end) return;
  const struct answer said = {.kind = kAnswerExited,
                              .number = commands[at].number,
                              .status = status,
                              .user_us = used->ru_utime.tv_sec * 1000000LL + used->ru_utime.tv_usec,
                              .system_us = used->ru_stime.tv_sec * 1000000LL + used->ru_stime.tv_usec,
                              .max_rss_kib = used->ru_maxrss};
  if (failures[at].err != 0)
    tell_failure(commands[at].number, &failures[at]);
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
    struct rusage used;
    const long pid = system_call(__NR_wait4, kEveryone, (long)&status, flags | __WALL, (long)&used, 0, 0);
    if (pid == -EINTR) continue;
    if (pid <= 0) return;
    tell_end((int)pid, status, &used);
  }
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
  long found = -ENOENT;
  for (char** candidate = candidates; *candidate != 0; candidate++) {
    const long result = call3(__NR_execve, (long)*candidate, (long)arguments, (long)variables);
    if (result == -EACCES)
      found = result;
    else if (result != -ENOENT && result != -ENOTDIR)
      return result;
  }
  return found;
}

/*
 * Limits this process and all that it starts. It never raises a hard limit: that takes a capability over the host
 * (setrlimit(2), CAP_SYS_RESOURCE), which no process in here has. So the build cannot lift its limits, even as root.
 */
static long limit(const struct process_limit* asked) {
  struct rlimit bounds;
  const long result = system_call(__NR_prlimit64, 0, asked->resource, 0, (long)&bounds, 0, 0);
  if (result < 0) return result;
  // defence: build-does-not-raise
  if (bounds.rlim_max > asked->hard) bounds.rlim_max = asked->hard;
  bounds.rlim_cur = bounds.rlim_max < asked->most ? bounds.rlim_max : asked->most;
  return system_call(__NR_prlimit64, 0, asked->resource, (long)&bounds, 0, 0, 0);
}

/* The session's own: a build that is root could change the mode of the host's. */
static long open_null(int number) {
  return call3(__NR_openat, AT_FDCWD, (long)"/dev/null", number == 0 ? O_RDONLY : O_WRONLY);
}

/* Ends the child if the call has failed. */
static void expect(struct failure* failure, const char* call, long result) {
  if (result >= 0) return;
  failure->call = call;
  failure->err = (int)-result;
  for (;;) call3(__NR_exit_group, 127, 0, 0);
}

/*
 * Closes all of init's descriptors but the standard ones and `kept`, which is the command's fourth. They close here and
 * not when it executes, because the build's other processes may look at it before (pidfd_getfd(2)).
 */
static void close_inits(struct failure* failure, int kept) {
  enum { kFirst = 3 };
  if (kept >= 0 && kept != kFirst) expect(failure, "dup3", call3(__NR_dup3, kept, kFirst, O_CLOEXEC));
  // defence: command-no-descriptor-init-2
  expect(failure, "close_range", call3(__NR_close_range, kept >= 0 ? kFirst + 1 : kFirst, ~0U, 0));
}

/*
 * Makes the process the user's. Other credentials make it dumpable as fs.suid_dumpable says (PR_SET_DUMPABLE(2const)).
 * Until it is not dumpable again its saved id stays init's, which keeps every process of that user from it (ptrace(2),
 * "Ptrace access mode checking"). To give up the saved id then changes nothing of that.
 */
static void become(struct failure* failure, unsigned uid) {
  static const unsigned kUnchanged = ~0U;
  // defence: command-declared-user-id
  expect(failure, "setresuid", call3(__NR_setresuid, uid, uid, kUnchanged));
  // defence: command-early-not-dumpable
  expect(failure, "prctl", call3(__NR_prctl, PR_SET_DUMPABLE, 0, 0));
  expect(failure, "setresuid", call3(__NR_setresuid, kUnchanged, kUnchanged, uid));
}

/*
 * The child, up to execve(2). It is not dumpable (PR_SET_DUMPABLE(2const)), as init is not: until it executes, no
 * process in here may trace it, or make it leave a core. Orphans are reparented to it while it runs, and to init
 * afterwards: so a command and all that it started are told from its neighbours (PR_SET_CHILD_SUBREAPER(2const)).
 */
static void run_command(const struct launch_message* launch, const int* descriptors, char* text, char** into,
                        struct failure* failure) {
  static const unsigned long none;
  const unsigned* const groups = (const unsigned*)text;
  char** const candidates = into;
  char** const arguments = candidates + launch->candidate_count + 1;
  char** const variables = arguments + launch->argument_count + 1;
  char* directory[2];
  text = take_words(text + launch->group_count * sizeof(unsigned), launch->candidate_count, candidates);
  text = take_words(text, 1, directory);
  text = take_words(text, launch->argument_count, arguments);
  take_words(text, launch->variable_count, variables);

  if ((launch->flags & (kLaunchTells | kLaunchWaits)) != 0) {
    /* The kernel adds the sender's pid, in the numbering of the reader (unix(7), SO_PASSCRED). */
    const struct answer said = {.kind = kAnswerPid, .number = launch->number};
    send_answer(&said, -1);
  }
  expect(failure, "setsid", call3(__NR_setsid, 0, 0, 0));
  // defence: command-started-told-neighbours
  expect(failure, "prctl", call3(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0));
  /*
   * They arrived in this order, each with the lowest free number from 2 on, because init has 0 and 1. So no later one
   * has the number that an earlier one moves to. One may have its own number already.
   */
  for (int i = 0; i < 3; i++) {
    const long from = descriptors[i] >= 0 ? descriptors[i] : open_null(i);
    expect(failure, "openat", from);
    expect(failure, "dup3", from == i ? call3(__NR_fcntl, from, F_SETFD, 0) : call3(__NR_dup3, from, i, 0));
  }
  if (launch->terminal != 0) expect(failure, "ioctl", call3(__NR_ioctl, (long)launch->terminal - 1, TIOCSCTTY, 0));
  close_inits(failure, descriptors[3]);
  for (unsigned i = 0; i < kMostLimits; i++)
    if (launch->limits[i].most != 0) expect(failure, "prlimit64", limit(&launch->limits[i]));
  // defence: command-declared-groups-only
  if ((launch->flags & kLaunchSetsGroups) != 0)
    expect(failure, "setgroups", call3(__NR_setgroups, launch->group_count, (long)groups, 0));
  // defence: command-declared-group-id
  expect(failure, "setresgid", call3(__NR_setresgid, launch->gid, launch->gid, launch->gid));
  expect(failure, "prctl", system_call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0));
  become(failure, launch->uid);
  expect(failure, "chdir", call3(__NR_chdir, (long)directory[0], 0, 0));
  expect(failure, "rt_sigprocmask", system_call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0, 0));
  while ((launch->flags & kLaunchWaits) != 0) {
    call3(__NR_close, 3, 0, 0);
    system_call(__NR_ppoll, 0, 0, 0, 0, 0, 0);
  }
  expect(failure, "execve", execute(candidates, arguments, variables));
}

static void* map(unsigned long size, long flags, long descriptor) {
  const long at = system_call(__NR_mmap, 0, (long)size, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  return at < 0 && at > -4096 ? 0 : (void*)at;
}

/* Returns the call that failed; errno is 0 if none has. */
static struct failure begin(const struct launch_message* launch, int* descriptors, char* text) {
  const unsigned long word_count =
      (unsigned long)launch->candidate_count + launch->argument_count + launch->variable_count + 3;
  const struct command* const left = command_of(0);
  const unsigned at = left != 0 ? (unsigned)(left - commands) : command_end;
  int ends[2] = {-1, -1};
  char** into = words;
  long pid;
  if (at == kMostCommands) return (struct failure){"clone", EMFILE};
  if (word_count > kMostWords && (into = map(word_count * sizeof(*into), MAP_PRIVATE | MAP_ANONYMOUS, -1)) == 0)
    return (struct failure){"mmap", ENOMEM};
  if ((launch->flags & (kLaunchTells | kLaunchWaits)) != 0) {
    /* The child sends its pid by itself. */
    if (is_answer_due) answer_calls(0);
    const long piped = call3(__NR_pipe2, (long)ends, O_CLOEXEC, 0);
    if (piped < 0) return (struct failure){"pipe2", (int)-piped};
  }
  /* The child has the ids that init was executed with, and never gave up. */
  // defence: init-nobody-whom-root
  failures[at].err = 0;
  descriptors[3] = ends[1];
  pid = system_call(__NR_clone, SIGCHLD, 0, 0, 0, 0, 0);
  if (pid == 0) run_command(launch, descriptors, text, into, &failures[at]);
  if (into != words) call3(__NR_munmap, (long)into, (long)(word_count * sizeof(*into)), 0);
  if (ends[1] >= 0) call3(__NR_close, ends[1], 0, 0);
  if (pid < 0) {
    if (ends[0] >= 0) call3(__NR_close, ends[0], 0, 0);
    return (struct failure){"clone", (int)-pid};
  }
  commands[at].number = launch->number;
  commands[at].pid = (int)pid;
  commands[at].execution = ends[0];
  commands[at].is_told = 0;
  if (at >= command_end) command_end = at + 1;
  return (struct failure){0, 0};
}

static void launch(const struct launch_message* launch, const int* descriptors, unsigned descriptor_count) {
  const unsigned is_long = (launch->flags & kLaunchIsLong) != 0;
  char* text = (char*)(launch + 1);
  struct failure failure = {"recvmsg", EMFILE};
  /* The last is the write end of a pipe that closes when the command executes. */
  int stdio[4] = {-1, -1, -1, -1};
  unsigned taken = 0;
  for (unsigned i = 0; i < 3; i++)
    if ((launch->given >> i & 1) != 0) stdio[i] = taken++ < descriptor_count ? descriptors[taken - 1] : -1;
  if (descriptor_count == taken + is_long) {
    if (is_long) text = map(launch->text_size, MAP_PRIVATE, descriptors[taken]);
    failure = text == 0 ? (struct failure){"mmap", ENOMEM} : begin(launch, stdio, text);
    if (is_long && text != 0) call3(__NR_munmap, (long)text, (long)launch->text_size, 0);
  }
  for (unsigned i = 0; i < descriptor_count; i++) call3(__NR_close, descriptors[i], 0, 0);
  if (failure.err != 0) tell_failure(launch->number, &failure);
}

static void signal_command(unsigned number, int signal) {
  struct command* const command = command_of(number);
  if (command == 0) return;
  /* Its process group, which it may not have made yet. */
  if (call3(__NR_kill, -command->pid, signal, 0) < 0) call3(__NR_kill, command->pid, signal, 0);
}

/* One packet. False at the end. */
static int receive(void) {
  static struct msghdr packet;
  static struct rights rights;
  struct iovec part = {.iov_base = &message, .iov_len = sizeof(message)};
  unsigned descriptor_count = 0;
  long got;
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = &rights;
  packet.msg_controllen = sizeof(rights);
  // defence: command-no-descriptor-init
  got = call3(__NR_recvmsg, kControl, (long)&packet, MSG_CMSG_CLOEXEC);
  if (got == -EINTR) return 1;
  if (got <= 0) return 0;
  if (packet.msg_controllen > 0 && rights.type == SCM_RIGHTS)
    descriptor_count = (unsigned)((rights.size - sizeof(rights.size) - 2 * sizeof(int)) / sizeof(int));
  if (message.kind == kMessageCalls) {
    if ((packet.msg_flags & MSG_TRUNC) != 0) return 0;
    /* If a call failed for want of descriptors, the answer that says so must not be lost for the same reason. */
    if ((packet.msg_flags & MSG_CTRUNC) != 0 && !has_failed()) return 0;
    if (!make_calls(&message.calls, (unsigned long)got, rights.descriptors, descriptor_count, &made)) return 0;
    is_answer_due = is_sealed();
    if (!is_answer_due) answer_calls(shown_of(&message.calls, sent_rights.descriptors));
    return 1;
  }
  /* A command in a root that is not sealed could reach the host's. */
  // defence: command-after-seal
  if (!is_sealed()) return 0;
  if ((packet.msg_flags & MSG_CTRUNC) != 0 && message.kind == kMessageLaunch) {
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
  if (is_answer_due) answer_calls(0);
  return 1;
}

/* Until the host program shuts its end down. `children` reports processes that have ended (signalfd(2)). */
static void serve(int children) {
  static struct pollfd watched[2 + kMostCommands];
  for (;;) {
    unsigned count = 2;
    int is_untold = 0;
    long happened;
    watched[0].fd = kControl;
    watched[0].events = POLLIN;
    watched[1].fd = children;
    watched[1].events = POLLIN;
    for (unsigned i = 0; i < command_end; i++) {
      if (commands[i].number == 0) continue;
      is_untold |= commands[i].execution < 0 && !commands[i].is_told;
      if (commands[i].execution < 0) continue;
      watched[count].fd = commands[i].execution;
      watched[count++].events = 0;
    }
    happened = system_call(__NR_ppoll, (long)watched, count, is_untold ? (long)&kTellAfter : 0, 0, 0, 0);
    if (happened == 0) {
      for (unsigned i = 0; i < command_end; i++)
        if (commands[i].number != 0 && !commands[i].is_told && commands[i].execution < 0) tell_pid(&commands[i]);
    }
    /* It watches more descriptors than it may have (poll(2)): no packet would reach it any more. */
    if (happened == -EINVAL) return;
    if (happened <= 0) continue;
    for (unsigned at = 2; at < count; at++) {
      if (watched[at].revents == 0) continue;
      for (unsigned i = 0; i < command_end; i++) {
        if (commands[i].number == 0 || commands[i].execution != watched[at].fd) continue;
        forget_execution(&commands[i]);
        if (failures[i].err == 0) tell_started(&commands[i]);
      }
    }
    if (watched[1].revents != 0) {
      struct signalfd_siginfo what;
      call3(__NR_read, children, (long)&what, sizeof(what));
      reap(WNOHANG);
    }
    if (watched[0].revents != 0 && !receive()) return;
  }
}

#if defined(__x86_64__)
/* Entered by the kernel, so without the return address that a caller would have put on the stack. */
__attribute__((force_align_arg_pointer))
#endif
void _start(void);

void _start(void) {
  static const unsigned long children = 1UL << (SIGCHLD - 1);
  static const unsigned long none[2];
  long told;
  /* Until the root is sealed; then the host program names it buildjail-init. */
  call3(__NR_prctl, PR_SET_NAME, (long)"buildjail-blank", 0);
  /* In another pid namespace, kill(2) below would reach processes of the host. */
  while (call3(__NR_getpid, 0, 0, 0) != 1) call3(__NR_exit_group, 1, 0, 0);
  // defence: command-does-not-execute
  call3(__NR_prctl, PR_SET_DUMPABLE, 0, 0);
  // defence: command-does-not-execute-2
  system_call(__NR_prlimit64, 0, RLIMIT_CORE, (long)none, 0, 0, 0);
  /* The host program may be allowed priorities that no share of processors holds (sched(7), SCHED_FIFO). */
  // defence: no-priorities
  system_call(__NR_prlimit64, 0, RLIMIT_RTPRIO, (long)none, 0, 0, 0);
  system_call(__NR_prlimit64, 0, RLIMIT_NICE, (long)none, 0, 0, 0);
  call3(__NR_umask, 0, 0, 0);
  system_call(__NR_rt_sigprocmask, SIG_BLOCK, (long)&children, 0, 8, 0, 0);
  told = system_call(__NR_signalfd4, -1, (long)&children, 8, SFD_CLOEXEC | SFD_NONBLOCK, 0, 0);
  failures = map(sizeof(*failures) * kMostCommands, MAP_SHARED | MAP_ANONYMOUS, -1);
  if (told >= 0 && failures != 0) serve((int)told);
  call3(__NR_kill, kEveryone, SIGKILL, 0);
  /* A recovery waits for the lock that init has, so init ends after all others. */
  reap(0);
  for (;;) call3(__NR_exit_group, 0, 0, 0);
}
