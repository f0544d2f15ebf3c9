#include "freebsd/child.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/procctl.h>
#include <sys/syscall.h>
#include <sys/sysctl.h>
#include <sys/user.h>

#include <unistd.h>

#include <csignal>
#include <cstddef>

namespace buildjail {

int look_at_self(kinfo_proc& self) {
  const int mib[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, ::getpid()};
  std::size_t size = sizeof(self);
  return ::sysctl(mib, 4, &self, &size, nullptr, 0);
}

// Which ones are not at their default the kernel says in one call; asking signal by signal takes 128.
const char* reset_signals(const kinfo_proc& self) {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (::sigismember(&self.ki_sigignore, signal) == 0 && ::sigismember(&self.ki_sigcatch, signal) == 0) continue;
    // By number: libthr(3) wraps sigaction(2) and keeps a table that the parent uses.
    if (::syscall(SYS_sigaction, signal, &action, nullptr) != 0) return "sigaction";
  }
  sigset_t none;
  ::sigemptyset(&none);
  return ::syscall(SYS_sigprocmask, SIG_SETMASK, &none, nullptr) == 0 ? nullptr : "sigprocmask";
}

int forbid_tracing() {
  int disable = PROC_TRACE_CTL_DISABLE;
  return ::procctl(P_PID, 0, PROC_TRACE_CTL, &disable);
}

int kill_everything_in_jail(int jid) {
  // jail_attach(2) refuses a process that has a directory open, and the parent may have any.
  if (::close_range(0, ~0U, 0) != 0) return -1;
  if (forbid_tracing() != 0) return -1;
  if (::jail_attach(jid) != 0) return -1;
  return ::kill(-1, SIGKILL);
}

}  // namespace buildjail
