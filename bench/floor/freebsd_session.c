/* A session on FreeBSD: the mounts, a jail on them, a vforked command that enters it, and all of it taken away. */
#include <sys/param.h>
#include <sys/jail.h>
#include <sys/procctl.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "floor.h"
#include "freebsd_mounts.h"

/* jail(2); and setgroups(2), whose list holds the effective group until then. */
enum { OWN_DESC = 0x80, FIRST_OF_15 = 1500000 };

static int is_15;

void prepare(const struct plan *plan) {
  (void)plan;
  umask(0);
  is_15 = getosreldate() >= FIRST_OF_15;
}

static void make_jail(const struct plan *plan, struct session *session) {
  struct options options;
  char name[32];
  int no_processes_shown = 2, none = 0, disable = JAIL_SYS_DISABLE, ruleset = 0, desc = -1;
  int flags = JAIL_CREATE;
  snprintf(name, sizeof(name), "floor-%d", (int)getpid());
  sscanf(plan->ruleset, "%d", &ruleset);
  begin_options(&options);
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
  end_options(&options);
  session->id = jail_set(options.iovecs, options.count, flags);
  if (session->id < 0) {
    fprintf(stderr, "floor: %s\n", options.errmsg);
    fail("jail_set", name);
  }
  session->fd = desc;
  if (desc >= 0) fcntl(desc, F_SETFD, FD_CLOEXEC);
}

void open_session(const struct plan *plan, struct session *session) {
  make_mounts(plan);
  make_jail(plan, session);
}

/* Where the child stopped, told through the memory it shares with us. */
static const char *volatile stopped;
static volatile int stopped_err;

/* Always -1. */
static int stop(const char *what) {
  stopped_err = errno;
  stopped = what;
  return -1;
}

static int execute(const struct plan *plan) {
  char *const argv[] = {plan->command, NULL};
  char *const environment[] = {NULL};
  execve(plan->command, argv, environment);
  return stop("execve");
}

/* One look at itself, of which nothing is read as not every compiler knows struct kinfo_proc; and a runtime ignores
 * one. */
static int reset_signals(void) {
  char self[2048];
  size_t size = sizeof(self);
  const int mib[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, getpid()};
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;
  if (sysctl(mib, 4, self, &size, NULL, 0) != 0) return -1;
  if (sigaction(SIGPIPE, &action, NULL) != 0) return -1;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become_command(const struct plan *plan, const struct session *session, int null, const struct pipes *pipes) {
  int disable = PROC_TRACE_CTL_DISABLE;
  int enable = PROC_NO_NEW_PRIVS_ENABLE;
  int death = SIGKILL;
  struct stat root;
  if (setsid() < 0) return stop("setsid");
  if (setlogin("") != 0) return stop("setlogin");
  if (set_stdio(null, pipes) != 0) return stop("dup2");
  if (close_range(3, ~0U, 0) != 0) return stop("close_range");
  if (procctl(P_PID, 0, PROC_TRACE_CTL, &disable) != 0) return stop("procctl");
  if (jail_attach(session->id) != 0) return stop("jail_attach");
  if (lstat("/", &root) != 0) return stop("lstat");
  if (chdir(plan->working_directory) != 0) return stop("chdir");
  umask(022);
  if (setgroups(is_15 ? 0 : 1, &plan->gid) != 0) return stop("setgroups");
  if (setresgid(plan->gid, plan->gid, plan->gid) != 0) return stop("setresgid");
  if (setresuid(plan->uid, plan->uid, plan->uid) != 0) return stop("setresuid");
  if (procctl(P_PID, 0, PROC_NO_NEW_PRIVS_CTL, &enable) != 0) return stop("procctl");
  if (procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &death) != 0) return stop("procctl");
  if (reset_signals() != 0) return stop("sigaction");
  return execute(plan);
}

static int become_bare_command(const struct plan *plan, int null, const struct pipes *pipes) {
  if (set_stdio(null, pipes) != 0) return stop("dup2");
  return execute(plan);
}

static void see_through(pid_t child, int null, struct pipes *pipes) {
  if (child < 0) fail("vfork", "");
  close(null);
  if (stopped != NULL) fail_with(stopped, "", stopped_err);
  drain_pipes(pipes);
  wait_success(child, 0);
}

void run_inside(const struct plan *plan, const struct session *session) {
  struct pipes pipes;
  make_pipes(&pipes);
  const int null = open_null();
  const pid_t child = vfork();
  if (child == 0) {
    become_command(plan, session, null, &pipes);
    _exit(127);
  }
  see_through(child, null, &pipes);
}

void run_bare(const struct plan *plan) {
  struct pipes pipes;
  make_pipes(&pipes);
  const int null = open_null();
  const pid_t child = vfork();
  if (child == 0) {
    become_bare_command(plan, null, &pipes);
    _exit(127);
  }
  see_through(child, null, &pipes);
}

static void take_outputs_back(const struct plan *plan) {
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    if (step->kind == BIND && step->is_writable && chown(step->source, 0, 0) != 0) fail("chown", step->source);
  }
}

void close_session(const struct plan *plan, struct session *session) {
  if (jail_remove(session->id) != 0) fail("jail_remove", "");
  if (session->fd >= 0) close(session->fd);
  take_mounts();
  take_outputs_back(plan);
}
