/* A session on FreeBSD: the mounts, a jail on them, a vforked command that enters it, and all of it taken away. */
#include <sys/param.h>
#include <sys/jail.h>
#include <sys/procctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysctl.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "floor.h"

/* jail(2); and setgroups(2), whose list holds the effective group until then. */
enum { OWN_DESC = 0x80, FIRST_OF_15 = 1500000 };

static int is_15;

void prepare(const struct plan *plan) {
  (void)plan;
  umask(0);
  is_15 = getosreldate() >= FIRST_OF_15;
}

static void make_jail(const struct plan *plan, struct session *session) {
  struct options options = {.count = 0};
  char name[32];
  int no_processes_shown = 2, none = 0, disable = JAIL_SYS_DISABLE, ruleset = 0, desc = -1;
  int flags = JAIL_CREATE;
  snprintf(name, sizeof(name), "floor-%d", (int)getpid());
  sscanf(plan->ruleset, "%d", &ruleset);
  add_string(&options, "name", name);
  add_string(&options, "path", plan->root);
  add_string(&options, "host.hostname", plan->hostname);
  add_flag(&options, "persist");
  add_int(&options, "enforce_statfs", &no_processes_shown);
  add_int(&options, "children.max", &none);
  add_int(&options, "devfs_ruleset", &ruleset);
  add_int(&options, "ip4", &disable);
  add_int(&options, "ip6", &disable);
  add_int(&options, "sysvmsg", &disable);
  add_int(&options, "sysvsem", &disable);
  add_int(&options, "sysvshm", &disable);
  for (size_t i = 0; i < plan->refusal_count; i++) add_flag(&options, plan->refusals[i]);
  if (is_15) {
    add_int(&options, "desc", &desc);
    flags |= OWN_DESC;
  }
  session->id = jail_set(options.iovecs, options.count, flags);
  if (session->id < 0) fail("jail_set", name);
  session->fd = desc;
  if (desc >= 0) fcntl(desc, F_SETFD, FD_CLOEXEC);
}

void open_session(const struct plan *plan, struct session *session) {
  make_mounts(plan);
  make_jail(plan, session);
}

/* One look at itself, of which nothing is read as not every compiler knows struct kinfo_proc; and a runtime ignores
 * one. */
static void reset_signals(void) {
  char self[2048];
  size_t size = sizeof(self);
  const int mib[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, getpid()};
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;
  if (sysctl(mib, 4, self, &size, NULL, 0) != 0) fail("sysctl", "");
  if (syscall(SYS_sigaction, SIGPIPE, &action, NULL) != 0) fail("sigaction", "");
  sigemptyset(&none);
  if (syscall(SYS_sigprocmask, SIG_SETMASK, &none, NULL) != 0) fail("sigprocmask", "");
}

static void become_command(void *context) {
  const struct command *command = context;
  const struct plan *plan = command->plan;
  int disable = PROC_TRACE_CTL_DISABLE;
  int enable = PROC_NO_NEW_PRIVS_ENABLE;
  int death = SIGKILL;
  const struct rlimit no_core = {.rlim_cur = 0, .rlim_max = 0};
  struct stat root;
  const pid_t self = setsid();
  if (self < 0) fail("setsid", "");
  if (setlogin("") != 0) fail("setlogin", "");
  /* What a run started is ended without its neighbours: that takes a mark which no process loses (setloginclass(2)). */
  if (setloginclass("floor") != 0) fail("setloginclass", "");
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) fail("setrlimit", "");
  /* The arguments that the jail sees until execve(2) would be those of the host's program. */
  if (sysctl((int[]){CTL_KERN, KERN_PROC, KERN_PROC_ARGS, self}, 4, NULL, NULL, "floor", sizeof("floor")) != 0)
    fail("sysctl", "");
  if (procctl(P_PID, 0, PROC_TRACE_CTL, &disable) != 0) fail("procctl", "trace");
  if (setgroups(is_15 ? 0 : 1, &plan->gid) != 0) fail("setgroups", "");
  if (setresgid(plan->gid, plan->gid, plan->gid) != 0) fail("setresgid", "");
  if (jail_attach(command->session->id) != 0) fail("jail_attach", "");
  if (lstat("/", &root) != 0) fail("lstat", "/");
  if (chdir(plan->cwd) != 0) fail("chdir", plan->cwd);
  umask(022);
  if (setresuid(plan->uid, plan->uid, plan->uid) != 0) fail("setresuid", "");
  if (procctl(P_PID, 0, PROC_NO_NEW_PRIVS_CTL, &enable) != 0) fail("procctl", "no_new_privs");
  if (procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &death) != 0) fail("procctl", "pdeathsig");
  reset_signals();
  execute(command);
}

void run_inside(const struct plan *plan, const struct session *session) {
  struct command command = {.plan = plan, .session = session};
  run_child(&command, become_command);
}

static void take_outputs_back(const struct plan *plan) {
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (step->is_writable && (chown(step->source, 0, 0) != 0 || chmod(step->source, 0755) != 0))
      fail("chown", step->source);
  }
}

void close_session(const struct plan *plan, struct session *session) {
  if (jail_remove(session->id) != 0) fail("jail_remove", "");
  if (session->fd >= 0) close(session->fd);
  take_mounts();
  take_outputs_back(plan);
}
