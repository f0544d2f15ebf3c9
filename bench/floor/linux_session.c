/*
 * A session on Linux: one clone(2) into all namespaces but that of mounts, which is a copy of an empty one. That child
 * is pid 1: it makes the mounts, and launches a command whenever it is told to. It shares our memory and descriptors,
 * so that nothing is copied or sent. The network namespace is paid for here, where buildjail has one ready.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "floor.h"
#include "linux.h"

/* A number for each step of a plan is on it. */
enum { STACK = 256 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static int empty_mounts = -1;
static int user_space = -1;

/* Of the one session that there is at a time: what its pid 1 is to launch, and its end of the socket. */
static struct command command;
static int control_of_first;

static int idle(void *context) {
  (void)context;
  return pause();
}

/* A user namespace to be joined, as buildjail keeps some. */
static void make_user_space(void) {
  char path[64], map[64];
  const pid_t holder = clone(idle, stack + STACK, CLONE_NEWUSER | CLONE_VM, NULL);
  const int size = snprintf(map, sizeof(map), "0 %d %d", FIRST_ID, ID_COUNT);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof(path), "/proc/%d/%s_map", holder, i == 0 ? "uid" : "gid");
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, map, (size_t)size) != size) fail("write", path);
    close(file);
  }
  snprintf(path, sizeof(path), "/proc/%d/ns/user", holder);
  if ((user_space = open(path, O_RDONLY | O_CLOEXEC)) < 0) fail("open", path);
  kill(holder, SIGKILL);
  wait_for(holder);
}

void prepare(const struct plan *plan) {
  (void)plan;
  /* A source is a descriptor until it is mounted. */
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) fail("getrlimit", "");
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) fail("setrlimit", "");
  const pid_t making =
      clone(make_empty_mounts, stack + STACK, CLONE_NEWNS | CLONE_FILES | CLONE_VM | CLONE_VFORK, &empty_mounts);
  if (making < 0) fail("clone", "");
  check_success(wait_for(making));
  make_user_space();
}

/* The build user's while the session lives, and shut to others. */
static void lend_outputs(const struct plan *plan, uid_t uid, gid_t gid, mode_t mode) {
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (!step->is_writable) continue;
    const int directory = open(step->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0 || fchown(directory, uid, gid) != 0 || fchmod(directory, mode) != 0) fail("fchown", step->source);
    close(directory);
  }
}

/* capset(2), version 3: nothing effective; what is permitted is given up by execve(2). */
static void lay_down_capabilities(void) {
  struct {
    unsigned version;
    int pid;
  } header = {0x20080522, 0};
  struct {
    unsigned effective, permitted, inheritable;
  } halves[2];
  if (syscall(SYS_capget, &header, halves) != 0) fail("capget", "");
  for (int i = 0; i < 2; i++) halves[i].effective = halves[i].inheritable = 0;
  if (syscall(SYS_capset, &header, halves) != 0) fail("capset", "");
}

/* capabilities(7): the securebits for not being root again, each with its lock, and an empty bounding set. */
static void bound_capabilities(void) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail("prctl", "ambient");
  if (prctl(PR_SET_SECUREBITS, 0xef, 0, 0, 0) != 0) fail("prctl", "securebits");
  for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {
  }
  if (errno != EINVAL) fail("prctl", "bounding set");
}

static void become_command(void *context) {
  const struct plan *plan = command.plan;
  (void)context;
  if (setsid() < 0) fail("setsid", "");
  if (chdir(plan->cwd) != 0) fail("chdir", plan->cwd);
  umask(022);
  syscall(SYS_keyctl, 1, "floor");
  if (syscall(SYS_setgroups, 0, NULL) != 0) fail("setgroups", "");
  bound_capabilities();
  if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid) != 0) fail("setresgid", "");
  if (syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) != 0) fail("setresuid", "");
  lay_down_capabilities();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl", "no_new_privs");
  execute(&command);
}

static int be_first(void *context) {
  const struct plan *plan = command.plan;
  char word;
  (void)context;
  if (setsid() < 0) fail("setsid", "");
  umask(0);
  change_root(plan, empty_mounts);
  if (sethostname(plan->hostname, strlen(plan->hostname)) != 0) fail("sethostname", "");
  const long keyring = syscall(SYS_keyctl, 1, "floor");
  if (keyring >= 0 && syscall(SYS_keyctl, 5, keyring, 0x3f080000) != 0) fail("keyctl", "");
  if (setns(user_space, CLONE_NEWUSER) != 0) fail("setns", "user");
  while (recv(control_of_first, &word, 1, 0) == 1) {
    const pid_t child = vfork_child(become_command, NULL);
    if (child < 0) fail("vfork", "");
    const int status = wait_for(child);
    if (send(control_of_first, &status, sizeof(status), 0) != sizeof(status)) fail("send", "");
  }
  fail("recv", "");
}

void open_session(const struct plan *plan, struct session *session) {
  const int namespaces = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET;
  int control[2];
  lend_outputs(plan, FIRST_ID + plan->uid, FIRST_ID + plan->gid, 0700);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0) fail("socketpair", "");
  session->control = control[0];
  control_of_first = control[1];
  command.plan = plan;
  session->id = clone(be_first, stack + STACK, namespaces | CLONE_PIDFD | CLONE_VM | CLONE_FILES, NULL, &session->fd);
  if (session->id < 0) fail("clone", "");
}

void run_inside(const struct plan *plan, const struct session *session) {
  struct pollfd ends[] = {{.fd = session->control, .events = POLLIN}, {.fd = session->fd, .events = POLLIN}};
  int status;
  open_stdio(&command);
  /* So that the command can open its own /dev/stdout. */
  for (int i = 1; i < 3; i++)
    if (fchown(command.theirs[i], FIRST_ID + plan->uid, FIRST_ID + plan->gid) != 0) fail("fchown", "");
  if (send(session->control, "", 1, 0) != 1) fail("send", "");
  /* Our descriptors are pid 1's: its end would not be seen by the socket. A command's output has to fit into its pipes.
   */
  if (poll(ends, 2, -1) < 0) fail("poll", "");
  if (ends[1].revents != 0) fail_with("pid 1", "is gone", ECHILD);
  if (recv(session->control, &status, sizeof(status), 0) != sizeof(status)) fail("recv", "");
  drain_stdio(&command);
  check_success(status);
}

void close_session(const struct plan *plan, struct session *session) {
  if (raw_pidfd_kill(session->fd, SIGKILL) != 0) fail("pidfd_send_signal", "");
  wait_for(session->id);
  close(session->fd);
  close(session->control);
  close(control_of_first);
  lend_outputs(plan, 0, 0, 0755);
}
