/* What a command has in common whether it runs inside or not: its standard descriptors, and its end. */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "floor.h"

void make_pipes(struct pipes *pipes) {
  for (int i = 0; i < 2; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2", "");
    pipes->ours[i] = ends[0];
    pipes->theirs[i] = ends[1];
  }
}

void drain_pipes(struct pipes *pipes) {
  char buffer[4096];
  for (int i = 0; i < 2; i++) close(pipes->theirs[i]);
  for (int i = 0; i < 2; i++) {
    while (read(pipes->ours[i], buffer, sizeof(buffer)) > 0) {
    }
    close(pipes->ours[i]);
  }
}

/* A command's own: what is open twice has its flags in common (fcntl(2)). */
int open_null(void) {
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0) fail("open", "/dev/null");
  return null;
}

int set_stdio(int null, const struct pipes *pipes) {
  if (dup2(null, 0) < 0 || dup2(pipes->theirs[0], 1) < 0 || dup2(pipes->theirs[1], 2) < 0) return -1;
  return 0;
}

void wait_success(pid_t pid, int options) {
  int status;
  while (waitpid(pid, &status, options) < 0)
    if (errno != EINTR) fail("waitpid", "");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_with("the command", "did not succeed", ECHILD);
}
