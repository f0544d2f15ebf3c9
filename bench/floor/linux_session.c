/*
 * A session on Linux: one clone(2) into all namespaces but that of mounts, which is a copy of an empty one; the mounts,
 * init; a command enters by setns(2) and is born inside (CLONE_PARENT); the end is init's. The network namespace is
 * paid for here, where buildjail has one ready.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "floor.h"
#include "linux_calls.h"
#include "linux_mounts.h"

enum { STACK = 64 * 1024 };

static const int namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET;
static char stack[STACK] __attribute__((aligned(16)));
static char command_stack[STACK] __attribute__((aligned(16)));
static int init_image;
static int empty_mounts = -1;

/* What a child needs, and what it has to say: it shares our memory until it executes. */
struct child {
  const struct plan *plan;
  const struct session *session;
  const struct pipes *pipes;
  int null;
  int control;
  pid_t command;
  struct stopped stopped;
};

void prepare(const struct plan *plan) {
  init_image = open(plan->init, O_RDONLY | O_CLOEXEC);
  if (init_image < 0) fail("open", plan->init);
  const pid_t making =
      clone(make_empty_mounts, stack + STACK, CLONE_NEWNS | CLONE_FILES | CLONE_VM | CLONE_VFORK, &empty_mounts);
  int status = 1;
  if (making < 0 || waitpid(making, &status, __WALL) < 0 || status != 0) fail("unshare", "/");
}

/* The build user's while the session lives. */
static void lend_outputs(const struct plan *plan, uid_t uid, gid_t gid) {
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (step->kind != BIND || !step->is_writable) continue;
    const int directory = open(step->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0 || fchown(directory, uid, gid) != 0) fail("fchown", step->source);
    close(directory);
  }
}

static long make_keyring(const char *name) {
  const long keyring = syscall(SYS_keyctl, 1, name);
  return keyring < 0 ? 0 : syscall(SYS_keyctl, 5, keyring, 0x3f080000);
}

static int reset_signals(void) {
  struct {
    void (*handler)(int);
    unsigned long rest[7];
  } action = {.handler = SIG_DFL};
  for (int number = 1; number <= 64; number++)
    if (number != SIGKILL && number != SIGSTOP && syscall(SYS_rt_sigaction, number, &action, NULL, 8) != 0) return -1;
  return 0;
}

static int unblock_signals(void) {
  const unsigned long none = 0;
  return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

static int become_init(void *context) {
  struct child *child = context;
  struct stopped *stopped = &child->stopped;
  char name[] = "init";
  char *const argv[] = {name, NULL};
  char *const environment[] = {NULL};
  if (setsid() < 0) return stop(stopped, "setsid", "");
  if (reset_signals() != 0) return stop(stopped, "rt_sigaction", "");
  if (dup2(child->control, 0) < 0 || dup3(init_image, 1, O_CLOEXEC) < 0 || dup3(empty_mounts, 2, O_CLOEXEC) < 0 ||
      raw_close_from(3) != 0)
    return stop(stopped, "close_range", "");
  umask(0);
  if (change_root(child->plan, 2, stopped) != 0) return -1;
  if (sethostname(child->plan->hostname, strlen(child->plan->hostname)) != 0) return stop(stopped, "sethostname", "");
  if (make_keyring("floor") != 0) return stop(stopped, "keyctl", "");
  signal(SIGCHLD, SIG_IGN);
  if (unblock_signals() != 0) return stop(stopped, "rt_sigprocmask", "");
  syscall(SYS_execveat, 1, "", argv, environment, EMPTY_PATH);
  return stop(stopped, "execveat", child->plan->init);
}

void open_session(const struct plan *plan, struct session *session) {
  struct child child = {.plan = plan};
  int control[2];
  lend_outputs(plan, plan->uid, plan->gid);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) fail("socketpair", "");
  child.control = control[1];
  session->control = control[0];
  const int made = is_copied_first(plan) ? namespaces & ~CLONE_NEWNS : namespaces;
  session->id = clone(become_init, stack + STACK, made | CLONE_PIDFD | CLONE_VM | CLONE_VFORK, &child, &session->fd);
  if (session->id < 0) fail("clone", "");
  if (child.stopped.what != NULL) fail_with(child.stopped.what, child.stopped.path, child.stopped.err);
  close(control[1]);
}

/* capset(2), version 3: nothing effective; what is permitted is given up by execve(2). */
static long lay_down_capabilities(void) {
  struct {
    unsigned version;
    int pid;
  } header = {0x20080522, 0};
  struct {
    unsigned effective, permitted, inheritable;
  } halves[2];
  if (syscall(SYS_capget, &header, halves) != 0) return -1;
  for (int i = 0; i < 2; i++) halves[i].effective = halves[i].inheritable = 0;
  return syscall(SYS_capset, &header, halves);
}

/* capabilities(7): the securebits for not being root again, each with its lock, and an empty bounding set. */
static int bound_capabilities(void) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -1;
  if (prctl(PR_SET_SECUREBITS, 0xef, 0, 0, 0) != 0) return -1;
  for (unsigned long capability = 0; capability < 64; capability++)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return errno == EINVAL ? 0 : -1;
  return 0;
}

static int execute(struct child *child) {
  char *const argv[] = {child->plan->command, NULL};
  char *const environment[] = {NULL};
  execve(child->plan->command, argv, environment);
  return stop(&child->stopped, "execve", child->plan->command);
}

static int become_command(void *context) {
  struct child *child = context;
  struct stopped *stopped = &child->stopped;
  const uid_t uid = child->plan->uid;
  const gid_t gid = child->plan->gid;
  uid_t uids[3];
  gid_t gids[3];
  if (setsid() < 0) return stop(stopped, "setsid", "");
  if (chdir(child->plan->working_directory) != 0) return stop(stopped, "chdir", child->plan->working_directory);
  umask(022);
  syscall(SYS_keyctl, 1, "floor");
  if (syscall(SYS_setgroups, 0, NULL) != 0) return stop(stopped, "setgroups", "");
  if (bound_capabilities() != 0) return stop(stopped, "prctl", "");
  if (syscall(SYS_setresgid, gid, gid, gid) != 0) return stop(stopped, "setresgid", "");
  if (syscall(SYS_setresuid, uid, uid, uid) != 0) return stop(stopped, "setresuid", "");
  if (lay_down_capabilities() != 0) return stop(stopped, "capset", "");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return stop(stopped, "prctl", "");
  if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 || getresgid(&gids[0], &gids[1], &gids[2]) != 0 ||
      getgroups(0, NULL) < 0)
    return stop(stopped, "getresuid", "");
  if (unblock_signals() != 0) return stop(stopped, "rt_sigprocmask", "");
  return execute(child);
}

static int enter(void *context) {
  struct child *child = context;
  struct stopped *stopped = &child->stopped;
  const int flags = CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_VM | CLONE_VFORK;
  if (reset_signals() != 0) return stop(stopped, "rt_sigaction", "");
  if (set_stdio(child->null, child->pipes) != 0) return stop(stopped, "dup2", "");
  if (dup3(child->session->fd, 3, O_CLOEXEC) < 0 || raw_close_from(4) != 0) return stop(stopped, "close_range", "");
  if (setns(3, namespaces) != 0) return stop(stopped, "setns", "");
  close(3);
  if (clone(become_command, command_stack + STACK, flags, child, &child->command) < 0)
    return stop(stopped, "clone", "");
  _exit(0);
}

void run_inside(const struct plan *plan, const struct session *session) {
  struct pipes pipes;
  struct child child = {.plan = plan, .session = session, .pipes = &pipes, .null = open_null()};
  make_pipes(&pipes);
  /* So that the command can open its own /dev/stdout. */
  for (int i = 0; i < 2; i++)
    if (fchown(pipes.theirs[i], plan->uid, plan->gid) != 0) fail("fchown", "");
  const pid_t entering = clone(enter, stack + STACK, CLONE_VM | CLONE_VFORK, &child);
  if (entering < 0) fail("clone", "");
  while (waitpid(entering, NULL, __WALL) < 0)
    if (errno != EINTR) fail("waitpid", "");
  close(child.null);
  if (child.stopped.what != NULL) fail_with(child.stopped.what, child.stopped.path, child.stopped.err);
  drain_pipes(&pipes);
  wait_success(child.command, __WALL);
}

static int become_bare_command(void *context) {
  struct child *child = context;
  if (set_stdio(child->null, child->pipes) != 0) return stop(&child->stopped, "dup2", "");
  return execute(child);
}

void run_bare(const struct plan *plan) {
  struct pipes pipes;
  struct child child = {.plan = plan, .pipes = &pipes, .null = open_null()};
  make_pipes(&pipes);
  const pid_t command = clone(become_bare_command, stack + STACK, CLONE_VM | CLONE_VFORK, &child);
  if (command < 0) fail("clone", "");
  close(child.null);
  if (child.stopped.what != NULL) fail_with(child.stopped.what, child.stopped.path, child.stopped.err);
  drain_pipes(&pipes);
  wait_success(command, __WALL);
}

void close_session(const struct plan *plan, struct session *session) {
  if (raw_pidfd_kill(session->fd, SIGKILL) != 0) fail("pidfd_send_signal", "");
  while (waitpid(session->id, NULL, __WALL) < 0)
    if (errno != EINTR) fail("waitpid", "");
  close(session->fd);
  close(session->control);
  lend_outputs(plan, 0, 0);
}
