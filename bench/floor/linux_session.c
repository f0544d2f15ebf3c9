/*
 * A session on Linux: one clone(2) into all namespaces but that of mounts, which is a copy of an empty one. That child is
 * pid 1: it makes the mounts, and launches a command whenever it is sent the command's descriptors. It shares our memory, so
 * that nothing is copied. The network namespace is paid for here, where buildjail has one ready.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
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

/* A number for each step of a plan is on it. */
enum { STACK = 256 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static int empty_mounts = -1;

struct first {
  const struct plan *plan;
  int control;
};

struct command {
  const struct plan *plan;
  struct stdio stdio;
};

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
}

/* The build user's while the session lives. */
static void lend_outputs(const struct plan *plan, uid_t uid, gid_t gid) {
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (!step->is_writable) continue;
    const int directory = open(step->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0 || fchown(directory, uid, gid) != 0) fail("fchown", step->source);
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
  const struct command *command = context;
  const struct plan *plan = command->plan;
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
  execute(plan, &command->stdio);
}

/* A message of one byte, with the command's descriptors beside it (unix(7), SCM_RIGHTS). */
struct message {
  char byte;
  struct iovec data;
  char room[CMSG_SPACE(3 * sizeof(int))];
  struct msghdr header;
};

static void lay_out(struct message *message) {
  memset(message, 0, sizeof(*message));
  message->data = (struct iovec){&message->byte, 1};
  message->header = (struct msghdr){.msg_iov = &message->data,
                                    .msg_iovlen = 1,
                                    .msg_control = message->room,
                                    .msg_controllen = sizeof(message->room)};
}

static void send_stdio(int control, const struct stdio *stdio) {
  struct message message;
  lay_out(&message);
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message.header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(stdio->theirs));
  memcpy(CMSG_DATA(rights), stdio->theirs, sizeof(stdio->theirs));
  if (sendmsg(control, &message.header, 0) != 1) fail("sendmsg", "");
}

static void receive_stdio(int control, struct stdio *stdio) {
  struct message message;
  lay_out(&message);
  if (recvmsg(control, &message.header, MSG_CMSG_CLOEXEC) != 1) fail("recvmsg", "");
  memcpy(stdio->theirs, CMSG_DATA(CMSG_FIRSTHDR(&message.header)), sizeof(stdio->theirs));
}

static int be_first(void *context) {
  const struct first *first = context;
  const int control = first->control;
  struct command command = {.plan = first->plan};
  if (setsid() < 0) fail("setsid", "");
  umask(0);
  change_root(command.plan, empty_mounts);
  if (sethostname(command.plan->hostname, strlen(command.plan->hostname)) != 0) fail("sethostname", "");
  const long keyring = syscall(SYS_keyctl, 1, "floor");
  if (keyring >= 0 && syscall(SYS_keyctl, 5, keyring, 0x3f080000) != 0) fail("keyctl", "");
  for (;;) {
    receive_stdio(control, &command.stdio);
    const pid_t child = vfork_child(become_command, &command);
    if (child < 0) fail("vfork", "");
    close_theirs(&command.stdio);
    const int status = wait_for(child);
    if (send(control, &status, sizeof(status), 0) != sizeof(status)) fail("send", "");
  }
}

void open_session(const struct plan *plan, struct session *session) {
  static struct first first;
  const int namespaces = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET;
  int control[2];
  lend_outputs(plan, plan->uid, plan->gid);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0) fail("socketpair", "");
  first = (struct first){plan, control[1]};
  session->control = control[0];
  session->id = clone(be_first, stack + STACK, namespaces | CLONE_PIDFD | CLONE_VM, &first, &session->fd);
  if (session->id < 0) fail("clone", "");
  close(control[1]);
}

void run_inside(const struct plan *plan, const struct session *session) {
  struct stdio stdio;
  int status;
  open_stdio(&stdio);
  /* So that the command can open its own /dev/stdout. */
  for (int i = 1; i < 3; i++)
    if (fchown(stdio.theirs[i], plan->uid, plan->gid) != 0) fail("fchown", "");
  send_stdio(session->control, &stdio);
  close_theirs(&stdio);
  drain_stdio(&stdio);
  if (recv(session->control, &status, sizeof(status), 0) != sizeof(status)) fail_with("pid 1", "is gone", ECHILD);
  check_success(status);
}

void close_session(const struct plan *plan, struct session *session) {
  if (raw_pidfd_kill(session->fd, SIGKILL) != 0) fail("pidfd_send_signal", "");
  wait_for(session->id);
  close(session->fd);
  close(session->control);
  lend_outputs(plan, 0, 0);
}
