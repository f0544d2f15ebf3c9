/*
 * A session on Linux: one clone(2) into all namespaces but that of mounts, which is a copy of an empty one. That child
 * is pid 1: it makes the mounts, and launches a command whenever it is told to. It shares our memory and descriptors,
 * so that nothing is copied or sent. The network namespace is paid for here, where buildjail has one ready.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <poll.h>
#include <sched.h>
#include <signal.h>

#include "floor.h"

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
  static const char *const kinds[] = {"uid_map", "gid_map"};
  char path[64], map[64];
  const pid_t holder = must(clone(idle, stack + STACK, CLONE_NEWUSER | CLONE_VM, NULL), "clone", "user");
  const int size = snprintf(map, sizeof(map), "0 %d %d", FIRST_ID, ID_COUNT);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof(path), "/proc/%d/%s", holder, kinds[i]);
    const int file = must(open(path, O_WRONLY | O_CLOEXEC), "open", path);
    must(write(file, map, (size_t)size), "write", path);
    close(file);
  }
  snprintf(path, sizeof(path), "/proc/%d/ns/user", holder);
  user_space = must(open(path, O_RDONLY | O_CLOEXEC), "open", path);
  kill(holder, SIGKILL);
  wait_for(holder);
}

void prepare(void) {
  const int flags = CLONE_NEWNS | CLONE_FILES | CLONE_VM | CLONE_VFORK;
  check_success(wait_for(must(clone(make_empty_mounts, stack + STACK, flags, &empty_mounts), "clone", "mounts")));
  make_user_space();
}

/* The build user's while the session lives, and shut to others. */
static void lend_outputs(const struct plan *plan, uid_t uid, gid_t gid, mode_t mode) {
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (!step->is_writable) continue;
    const int directory =
        must(open(step->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open", step->source);
    must(fchown(directory, uid, gid), "fchown", step->source);
    must(fchmod(directory, mode), "fchmod", step->source);
    close(directory);
  }
}

/* capset(2), version 3: nothing effective; what is permitted is given up by execve(2). */
static void lay_down_capabilities(void) {
  enum { EFFECTIVE, PERMITTED, INHERITABLE, SETS };
  unsigned version_and_pid[] = {0x20080522, 0}, halves[2][SETS];
  must(syscall(SYS_capget, version_and_pid, halves), "capget", "");
  for (int i = 0; i < 2; i++) halves[i][EFFECTIVE] = halves[i][INHERITABLE] = 0;
  must(syscall(SYS_capset, version_and_pid, halves), "capset", "");
}

/* capabilities(7): the securebits for not being root again, each with its lock, and an empty bounding set. */
static void bound_capabilities(void) {
  must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl", "ambient");
  must(prctl(PR_SET_SECUREBITS, 0xef, 0, 0, 0), "prctl", "securebits");
  for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {
  }
  if (errno != EINVAL) fail_with("prctl", "bounding set", errno);
}

static void become_command(void *context) {
  const struct command *own = context;
  const struct plan *plan = own->plan;
  must(setsid(), "setsid", "");
  must(chdir(plan->cwd), "chdir", plan->cwd);
  umask(022);
  syscall(SYS_keyctl, 1, "floor");
  must(syscall(SYS_setgroups, 0, NULL), "setgroups", "");
  bound_capabilities();
  must(syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid), "setresgid", "");
  must(syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid), "setresuid", "");
  lay_down_capabilities();
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "no_new_privs");
  execute(own);
}

static int be_first(void *context) {
  const struct plan *plan = ((const struct command *)context)->plan;
  char word;
  must(setsid(), "setsid", "");
  umask(0);
  change_root(plan, empty_mounts);
  must(sethostname(plan->hostname, strlen(plan->hostname)), "sethostname", "");
  const long keyring = syscall(SYS_keyctl, 1, "floor");
  if (keyring >= 0) must(syscall(SYS_keyctl, 5, keyring, 0x3f080000), "keyctl", "");
  must(setns(user_space, CLONE_NEWUSER), "setns", "user");
  while (recv(control_of_first, &word, 1, 0) == 1) {
    const int status = wait_for(must(vfork_child(become_command, context), "vfork", ""));
    must(send(control_of_first, &status, sizeof(status), 0), "send", "");
  }
  fail_with("recv", "", errno);
}

void open_session(const struct plan *plan, struct session *session) {
  const int namespaces = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET;
  const int flags = namespaces | CLONE_PIDFD | CLONE_VM | CLONE_FILES;
  int control[2];
  lend_outputs(plan, FIRST_ID + plan->uid, FIRST_ID + plan->gid, 0700);
  must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), "socketpair", "");
  session->control = control[0];
  control_of_first = control[1];
  command.plan = plan;
  session->id = must(clone(be_first, stack + STACK, flags, &command, &session->fd), "clone", "");
}

void run_inside(const struct plan *plan, const struct session *session) {
  struct pollfd ends[] = {{.fd = session->control, .events = POLLIN}, {.fd = session->fd, .events = POLLIN}};
  int status;
  open_stdio(&command);
  /* So that the command can open its own /dev/stdout. */
  for (int i = 1; i < 3; i++) must(fchown(command.theirs[i], FIRST_ID + plan->uid, FIRST_ID + plan->gid), "fchown", "");
  must(send(session->control, "", 1, 0), "send", "");
  /* Our descriptors are pid 1's: the socket would not tell of its end. A command's output has to fit into its pipes. */
  must(poll(ends, 2, -1), "poll", "");
  if (ends[1].revents != 0) fail_with("pid 1", "is gone", ECHILD);
  must(recv(session->control, &status, sizeof(status), 0), "recv", "");
  drain_stdio(&command);
  check_success(status);
}

void close_session(const struct plan *plan, struct session *session) {
  /* pidfd_send_signal(2), by the number that it has everywhere (linux_mounts.c). */
  must(syscall(424, session->fd, SIGKILL, NULL, 0), "pidfd_send_signal", "");
  wait_for(session->id);
  close(session->fd);
  close(session->control);
  close(control_of_first);
  lend_outputs(plan, 0, 0, 0755);
}
