#pragma once

/*
 * The messages between a controller and init, pid 1 of its session, each a packet of a socket (unix(7),
 * SOCK_SEQPACKET). For C and C++. Both ends are of one build, so the layout is the compiler's.
 */

enum {
  /** struct launch_message, with the command's descriptors, and the memory that holds its text where that is long. */
  kMessageLaunch = 1,
  /** struct command_message. */
  kMessageSignal,
  kMessageTell
};

enum { kMostCommands = 1024, kMostInline = 65536, kMostLimits = 8 };

/* Flags of a launch. */
enum {
  /** The pid is told as soon as the command executes. */
  kLaunchTells = 1,
  /** The groups are set; where an ordinary user made the namespace they cannot be (user_namespaces(7), setgroups). */
  kLaunchSetsGroups = 2,
  /** Nothing limits yet what commands can get: init sees to that first, once. */
  kLaunchBounds = 4,
  /** It does not execute: it stays as it is before that, to be looked at. Tells. */
  kLaunchWaits = 8,
  /** Long strings do not fit in a packet: they are in the memory of the last descriptor (memfd_create(2)). */
  kLaunchIsLong = 16
};

/** One of them, of a resource of <sys/resource.h>. */
struct process_limit {
  unsigned long long most, hard;
  unsigned resource;
};

/*
 * A command. Behind this, or in that memory: its groups, then candidates, working directory, arguments and variables,
 * each with its NUL.
 */
struct launch_message {
  unsigned kind, number, flags;
  unsigned uid, gid, group_count;
  unsigned candidate_count, argument_count, variable_count;
  /** The standard descriptor that is its controlling terminal, and one more; 0: it has none. */
  unsigned terminal;
  /** By the bit of its number: which of 0, 1 and 2 come along. The others are the session's /dev/null. */
  unsigned given;
  /** By the bit of their number (capabilities(7)). */
  unsigned long long kept_capabilities;
  /** Of each of its processes (setrlimit(2)). */
  struct process_limit limits[kMostLimits];
  unsigned limit_count;
  unsigned long long text_size;
};

/** About one command; number 0: about all processes, and then it is answered. */
struct command_message {
  unsigned kind, number;
  int signal;
};

enum {
  /** The command executes. */
  kAnswerStarted = 1,
  /** Its pid: that of the sender, or where init sends it, that of the pidfd that comes with it (pidfd_open(2)). */
  kAnswerPid,
  /** It could not be launched: `step` and `err` say why. */
  kAnswerFailed,
  kAnswerExited,
  /** Every process was signalled. */
  kAnswerSignalled
};

/** Steps of a launch that can fail. */
enum {
  kStepReceive = 1,
  kStepMap,
  kStepClone,
  kStepBound,
  kStepSession,
  kStepStdio,
  kStepNull,
  kStepTerminal,
  kStepClose,
  kStepLimits,
  kStepDirectory,
  kStepGroups,
  kStepGroup,
  kStepUser,
  kStepCapabilities,
  kStepSignals,
  kStepExecute
};

struct answer {
  unsigned kind, number;
  unsigned step;
  int err;
  /** As wait4(2) gives them. */
  int status;
  int spare;
  long long user_us, system_us, max_rss_kib;
};
