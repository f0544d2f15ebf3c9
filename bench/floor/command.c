/* What a command has in common whether it runs inside or not: its descriptors, its birth and its end. */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "floor.h"

/* Not by stdio(3): a child may share our memory. */
_Noreturn void fail_with(const char *what, const char *path, int err) {
  dprintf(2, "floor: %s %s: %s\n", what, path, strerror(err));
  _exit(1);
}

_Noreturn void fail(const char *what, const char *path) { fail_with(what, path, errno); }

void open_stdio(struct stdio *stdio) {
  stdio->theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (stdio->theirs[0] < 0) fail("open", "/dev/null");
  for (int i = 0; i < 2; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2", "");
    stdio->ours[i] = ends[0];
    stdio->theirs[i + 1] = ends[1];
  }
}

void close_theirs(const struct stdio *stdio) {
  for (int i = 0; i < 3; i++) close(stdio->theirs[i]);
}

void drain_stdio(const struct stdio *stdio) {
  char buffer[4096];
  for (int i = 0; i < 2; i++) {
    while (read(stdio->ours[i], buffer, sizeof(buffer)) > 0) {
    }
    close(stdio->ours[i]);
  }
}

_Noreturn void execute(const struct plan *plan, const struct stdio *stdio) {
  char *const argv[] = {plan->command, NULL};
  char *const environment[] = {NULL};
  for (int i = 0; i < 3; i++)
    if (dup2(stdio->theirs[i], i) < 0) fail("dup2", "");
  if (close_range(3, ~0U, 0) != 0) fail("close_range", "");
  execve(plan->command, argv, environment);
  _exit(127);
}

int wait_for(pid_t pid) {
#ifdef __linux__
  const int options = __WALL;
#else
  const int options = 0;
#endif
  int status;
  while (waitpid(pid, &status, options) < 0)
    if (errno != EINTR) fail("waitpid", "");
  return status;
}

void check_success(int status) {
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_with("the command", "did not succeed", ECHILD);
}

struct bare {
  const struct plan *plan;
  struct stdio stdio;
};

static void become_bare_command(void *context) {
  const struct bare *bare = context;
  execute(bare->plan, &bare->stdio);
}

void run_bare(const struct plan *plan) {
  struct bare bare = {.plan = plan};
  open_stdio(&bare.stdio);
  const pid_t child = vfork_child(become_bare_command, &bare);
  if (child < 0) fail("vfork", "");
  close_theirs(&bare.stdio);
  drain_stdio(&bare.stdio);
  check_success(wait_for(child));
}
