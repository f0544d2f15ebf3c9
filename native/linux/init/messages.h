#pragma once

/*
 * The messages between the host program and init, pid 1 of a session, each a packet of a socket (unix(7),
 * SOCK_SEQPACKET). For C and C++. Both ends are built together, so the layout is the compiler's.
 */

enum {
  /** struct launch_message, with the command's descriptors, and the memory that holds its text where that is long. */
  kMessageLaunch = 1,
  /** struct command_message. */
  kMessageSignal,
  kMessageTell,
  /** struct calls_message, with descriptors. struct calls_answer answers it; after a seal, with the next message. */
  kMessageCalls
};

enum { kMostCommands = 1024, kMostInline = 65536, kMostLimits = 8 };

/*
 * System calls that init makes until the root is sealed, by the names of their manual pages. What a session's root is
 * made of is known to the host program only (linux/root.cc); init makes one call after the other.
 */
#define INIT_CALLS(CALL)                                                                                               \
  CALL(openat), CALL(openat2), CALL(close), CALL(write), CALL(fstat), CALL(fchownat), CALL(fchmodat), CALL(utimensat), \
      CALL(setxattr), CALL(mkdirat), CALL(mknodat), CALL(symlinkat), CALL(fchdir), CALL(chdir), CALL(chroot),          \
      CALL(pivot_root), CALL(mount), CALL(umount2), CALL(open_tree), CALL(move_mount), CALL(fsopen), CALL(fsconfig),   \
      CALL(fsmount), CALL(mount_setattr), CALL(socket), CALL(ioctl), CALL(sethostname), CALL(setns), CALL(capset),     \
      CALL(prctl), CALL(prlimit64), CALL(umask), CALL(bind), CALL(listen), CALL(setsockopt)

enum init_call_name {
#define CALL(name) kCall_##name
  INIT_CALLS(CALL),
#undef CALL
  /** Not calls of the kernel: compares 64 bits of the scratch memory, notes the time, installs a filter with flags
   * (seccomp(2)). */
  kCallExpect,
  kCallMark,
  kCallFilter,
  kCallCount
};

/** What an argument is: a number; the address of text; the descriptor in a slot; an address in, or a word of, scratch
 * memory. */
enum { kArgumentNumber, kArgumentText, kArgumentSlot, kArgumentScratch, kArgumentWord };

enum { kMostSlots = 256, kScratchSize = 1024, kMostMessageDescriptors = 200, kMostMarks = 512 };

struct init_call {
  unsigned short name;
  /** The slot for the descriptor that it returns, plus 1; or 0. */
  unsigned short result;
  unsigned char kinds[6];
  /** How many calls are left out once this one has worked, and once it has failed with the errno that may be. */
  unsigned char skip, skip_failed;
  unsigned tolerated;
  unsigned long long arguments[6];
};

/** The text comes after the calls. The descriptors that come along are put into the slots from `first_slot` on. */
struct calls_message {
  unsigned kind, call_count, text_size, first_slot;
  /** These are the last: the root is sealed, and commands can be launched. */
  unsigned seals;
  /** The slot, plus 1, of a descriptor that stays open after the seal; or 0. */
  unsigned kept;
  /** Descriptors that go back with the answer: the first slot of them, and how many there are. Not after the seal. */
  unsigned shown, shown_count;
};

/* Flags of a launch. */
enum {
  /** Init reports the command as soon as it executes. */
  kLaunchTells = 1,
  /** Sets the groups; where an ordinary user made the namespace that fails (user_namespaces(7), setgroups). */
  kLaunchSetsGroups = 2,
  /** The command waits before it executes, to be looked at. It reports its pid. */
  kLaunchWaits = 4,
  /** The text does not fit in a packet: it is in the memory of the last descriptor (memfd_create(2)). */
  kLaunchIsLong = 8
};

/** One of them, of a resource of <sys/resource.h>. */
struct process_limit {
  unsigned long long most, hard;
  unsigned resource;
};

/*
 * A command. After this, or in that memory, come its groups, then candidates, working directory, arguments and
 * variables, each with its NUL.
 */
struct launch_message {
  unsigned kind, number, flags;
  unsigned uid, gid, group_count;
  unsigned candidate_count, argument_count, variable_count;
  /** The standard descriptor that is its controlling terminal, plus 1; 0 if it has none. */
  unsigned terminal;
  /** A bit for each of the descriptors 0, 1 and 2 that comes along. The others are the session's /dev/null. */
  unsigned given;
  /** The limits of each of its processes (setrlimit(2)). An entry whose `most` is 0 stands for no limit. */
  struct process_limit limits[kMostLimits];
  unsigned long long text_size;
};

/** For one command; number 0 is for all processes, and is answered. */
struct command_message {
  unsigned kind, number;
  int signal;
};

enum {
  /** The command executes. */
  kAnswerStarted = 1,
  /** Its pid: the sender's, or that of the pidfd that comes along if init sends it (pidfd_open(2)). */
  kAnswerPid,
  /** It could not be launched, because of `call` and `err`. */
  kAnswerFailed,
  kAnswerExited,
  /** Every process was signalled. */
  kAnswerSignalled,
  /** struct calls_answer. */
  kAnswerCalls
};

struct calls_answer {
  unsigned kind;
  /** 0, or the errno of the call at that index. */
  int err;
  unsigned index, mark_count;
  /** How long the calls before each mark took, since the one before it. */
  unsigned nanoseconds[kMostMarks];
};

struct answer {
  unsigned kind, number;
  /** The call that failed, by the name of its manual page. */
  char call[16];
  int err;
  /** As wait4(2) gives them. */
  int status;
  long long user_us, system_us, max_rss_kib;
};
