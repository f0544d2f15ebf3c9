/*
 * The floor: what the kernel alone charges for a session. The system calls that one stands on, from C, with everything
 * made ready before; no Node, no thread, no bookkeeping. Errors end the program: it has nobody to tell but who reads
 * the samples.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <sys/types.h>

#include <stddef.h>

enum kind { DIRECTORY, PLACEHOLDER, SYMLINK, TMPFS, DEV, PROC, BIND };

/* One act of a plan, in the order in which they are done. */
struct step {
  enum kind kind;
  /* Absolute inside. */
  char *target;
  /* Of a bind, on the host; of a symbolic link, its text. */
  char *source;
  mode_t mode;
  /* Of a tmpfs, in bytes, as the text the kernel wants. */
  char *size;
  int is_file, is_writable;
};

/* bench/floor/plan.mjs writes it, one line each. */
struct plan {
  size_t step_count;
  struct step *steps;
  char *hostname;
  char *working_directory;
  char *command;
  uid_t uid;
  gid_t gid;
  /* Linux: pid 1 of the session, an executable. */
  char *init;
  /* FreeBSD: an empty directory for the root, the devfs ruleset, and what the jail may not do. */
  char *root;
  char *ruleset;
  size_t refusal_count;
  char **refusals;
};

/* What is open: on Linux init and its pidfd, on FreeBSD the jail and its descriptor. */
struct session {
  int id, fd, control;
};

void read_plan(struct plan *plan, const char *path);

/* Called once, before the first session. */
void prepare(const struct plan *plan);
void open_session(const struct plan *plan, struct session *session);
/* Runs the command to its end, its output in pipes. */
void run_inside(const struct plan *plan, const struct session *session);
/* The same command without a session. */
void run_bare(const struct plan *plan);
void close_session(const struct plan *plan, struct session *session);

/* stdout and stderr of a command as pipes, read to their end. */
struct pipes {
  int ours[2], theirs[2];
};
void make_pipes(struct pipes *pipes);
void drain_pipes(struct pipes *pipes);
int open_null(void);
int set_stdio(int null, const struct pipes *pipes);
void wait_success(pid_t pid, int options);

_Noreturn void fail(const char *what, const char *path);
_Noreturn void fail_with(const char *what, const char *path, int err);

#endif
