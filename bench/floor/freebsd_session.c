/* A session on FreeBSD: the mounts, a jail on them, a vforked command that enters it, and all of it taken away. */
#include <sys/param.h>
#include <sys/jail.h>
#include <sys/procctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysctl.h>

#include <signal.h>
#include <stdlib.h>

#include "floor.h"

/* jail(2); and setgroups(2), whose list holds the effective group until then. */
enum { OWN_DESC = 0x80, FIRST_OF_15 = 1500000 };

static int is_15;

void prepare(void) {
  umask(0);
  is_15 = getosreldate() >= FIRST_OF_15;
}

static void make_jail(const struct plan *plan, struct session *session) {
  struct options options = {.count = 0};
  char name[32];
  static const char *const disabled[] = {"ip4", "ip6", "sysvmsg", "sysvsem", "sysvshm"};
  int no_processes_shown = 2, none = 0, disable = JAIL_SYS_DISABLE, ruleset = atoi(plan->ruleset), desc = -1;
  snprintf(name, sizeof(name), "floor-%d", (int)getpid());
  add_string(&options, "name", name);
  add_string(&options, "path", plan->root);
  add_string(&options, "host.hostname", plan->hostname);
  add_flag(&options, "persist");
  add_int(&options, "enforce_statfs", &no_processes_shown);
  add_int(&options, "children.max", &none);
  add_int(&options, "devfs_ruleset", &ruleset);
  for (size_t i = 0; i < nitems(disabled); i++) add_int(&options, disabled[i], &disable);
  for (size_t i = 0; i < plan->step_count; i++)
    if (plan->steps[i].kind == REFUSAL) add_flag(&options, plan->steps[i].target);
  if (is_15) add_int(&options, "desc", &desc);
  session->id = must(jail_set(options.iovecs, options.count, JAIL_CREATE | (is_15 ? OWN_DESC : 0)), "jail_set", name);
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
  must(sysctl(mib, 4, self, &size, NULL, 0), "sysctl", "");
  must(syscall(SYS_sigaction, SIGPIPE, &action, NULL), "sigaction", "");
  sigemptyset(&none);
  must(syscall(SYS_sigprocmask, SIG_SETMASK, &none, NULL), "sigprocmask", "");
}

static void become_command(void *context) {
  const struct command *command = context;
  const struct plan *plan = command->plan;
  int disable = PROC_TRACE_CTL_DISABLE, enable = PROC_NO_NEW_PRIVS_ENABLE, death = SIGKILL;
  const struct rlimit no_core = {.rlim_cur = 0, .rlim_max = 0};
  struct stat root;
  const pid_t self = must(setsid(), "setsid", "");
  must(setlogin(""), "setlogin", "");
  /* What a run started is ended without its neighbours: that takes a mark which no process loses (setloginclass(2)). */
  must(setloginclass("floor"), "setloginclass", "");
  must(setrlimit(RLIMIT_CORE, &no_core), "setrlimit", "");
  /* The arguments that the jail sees until execve(2) would be those of the host's program. */
  const int arguments[] = {CTL_KERN, KERN_PROC, KERN_PROC_ARGS, self};
  must(sysctl(arguments, 4, NULL, NULL, "floor", sizeof("floor")), "sysctl", "arguments");
  must(procctl(P_PID, 0, PROC_TRACE_CTL, &disable), "procctl", "trace");
  must(setgroups(is_15 ? 0 : 1, &plan->gid), "setgroups", "");
  must(setresgid(plan->gid, plan->gid, plan->gid), "setresgid", "");
  must(jail_attach(command->session->id), "jail_attach", "");
  must(lstat("/", &root), "lstat", "/");
  must(chdir(plan->cwd), "chdir", plan->cwd);
  umask(022);
  must(setresuid(plan->uid, plan->uid, plan->uid), "setresuid", "");
  must(procctl(P_PID, 0, PROC_NO_NEW_PRIVS_CTL, &enable), "procctl", "no_new_privs");
  must(procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &death), "procctl", "pdeathsig");
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
    if (!step->is_writable) continue;
    must(fchownat(AT_FDCWD, step->source, 0, 0, 0), "fchownat", step->source);
    must(chmod(step->source, 0755), "chmod", step->source);
  }
}

void close_session(const struct plan *plan, struct session *session) {
  must(jail_remove(session->id), "jail_remove", "");
  if (session->fd >= 0) close(session->fd);
  take_mounts();
  take_outputs_back(plan);
}
