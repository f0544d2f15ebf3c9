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

void open_stdio(struct command *command) {
  command->theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (command->theirs[0] < 0) fail("open", "/dev/null");
  for (int i = 0; i < 2; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2", "");
    command->ours[i] = ends[0];
    command->theirs[i + 1] = ends[1];
  }
}

void drain_stdio(const struct command *command) {
  char buffer[4096];
  for (int i = 0; i < 3; i++) close(command->theirs[i]);
  for (int i = 0; i < 2; i++) {
    while (read(command->ours[i], buffer, sizeof(buffer)) > 0) {
    }
    close(command->ours[i]);
  }
}

_Noreturn void execute(const struct command *command) {
  char *const argv[] = {command->plan->command, NULL};
  char *const environment[] = {NULL};
  for (int i = 0; i < 3; i++)
    if (dup2(command->theirs[i], i) < 0) fail("dup2", "");
  if (close_range(3, ~0U, 0) != 0) fail("close_range", "");
  execve(argv[0], argv, environment);
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

void run_child(struct command *command, void (*become)(void *)) {
  open_stdio(command);
  const pid_t child = vfork_child(become, command);
  if (child < 0) fail("vfork", "");
  drain_stdio(command);
  check_success(wait_for(child));
}

static void become_bare_command(void *context) { execute(context); }

void run_bare(const struct plan *plan) {
  struct command command = {.plan = plan};
  run_child(&command, become_bare_command);
}
