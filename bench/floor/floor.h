/*
 * The floor: what the kernel alone charges for a session. The system calls that one stands on, from C, with everything
 * made ready before; no Node, no thread, no bookkeeping. An error ends the program that has it, with a line on stderr.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stddef.h>

enum { MAX_STEPS = 4096, MAX_REFUSALS = 96 };
enum kind { DIRECTORY, PLACEHOLDER, SYMLINK, TMPFS, DEV, PROC, BIND, BIND_FILE, KINDS };

/* One act of a plan, in the order in which they are done. */
struct step {
  enum kind kind;
  /* Absolute inside. */
  char *target;
  /* Of a bind, on the host; of a symbolic link, its text; of a tmpfs, its size in bytes. */
  char *source;
  /* Of a tmpfs: how many there can be in it. */
  char *files;
  /* Of a directory. */
  mode_t mode;
  /* Of a bind. */
  int is_writable;
};

/* bench/floor/plan.mjs writes it, a line each. */
struct plan {
  size_t step_count;
  struct step steps[MAX_STEPS];
  char *hostname;
  char *cwd;
  char *command;
  uid_t uid;
  gid_t gid;
  /* FreeBSD: an empty directory for the root, the devfs ruleset, and what the jail may not do. */
  char *root;
  char *ruleset;
  size_t refusal_count;
  char *refusals[MAX_REFUSALS];
};

/* What is open: on Linux pid 1, its pidfd and the socket to it; on FreeBSD the jail and its descriptor. */
struct session {
  int id, fd, control;
};

void read_plan(struct plan *plan, const char *path);

/* Called once, before the first session. */
void prepare(const struct plan *plan);
void open_session(const struct plan *plan, struct session *session);
/* Runs the command to its end, its output in pipes. */
void run_inside(const struct plan *plan, const struct session *session);
/* The same command on the host, without a session. */
void run_bare(const struct plan *plan);
void close_session(const struct plan *plan, struct session *session);

/* With its descriptors 0, 1 and 2, and our ends of the pipes that 1 and 2 are. */
struct command {
  const struct plan *plan;
  const struct session *session;
  int theirs[3], ours[2];
};
void open_stdio(struct command *command);
/* Closes all, when the pipes are read to their end. */
void drain_stdio(const struct command *command);
/* In the child, last: its descriptors, none but these, and its program. */
_Noreturn void execute(const struct command *command);
/* A whole command by a child that becomes it. */
void run_child(struct command *command, void (*become)(void *));
/* The wait status; for a child of any kind on Linux. */
int wait_for(pid_t pid);
void check_success(int status);

/* Runs the program in a vfork(2)ed child. It has the name that native code has for it, under which it is counted as
 * vfork (native/faults/calls.inc). */
pid_t vfork_child(void (*program)(void *), void *context) __asm__("_ZN9buildjail11vfork_childEPFvPvES0_");

/* count.cc, where the program is linked to count its calls and those of its children that share its memory. */
void begin_count(void) __attribute__((weak));
void end_count(int (*each)(const char *name)) __attribute__((weak));

/* FreeBSD: names and values, as nmount(2) and jail_set(2) take them; and the mounts of a plan. */
enum { MAX_OPTIONS = 128 };
struct options {
  struct iovec iovecs[2 * MAX_OPTIONS];
  unsigned count;
};
void add_flag(struct options *options, const char *name);
void add_string(struct options *options, const char *name, const char *value);
void add_int(struct options *options, const char *name, int *value);
void make_mounts(const struct plan *plan);
void take_mounts(void);

_Noreturn void fail(const char *what, const char *path);
_Noreturn void fail_with(const char *what, const char *path, int err);

#endif
