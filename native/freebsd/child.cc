#include "freebsd/child.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/syscall.h>

#include <unistd.h>

#include <csignal>

namespace buildjail {

int reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    // By number: libthr(3) wraps sigaction(2) and keeps a table that the parent uses.
    if (::syscall(SYS_sigaction, signal, &action, nullptr) != 0) return -1;
  }
  sigset_t none;
  ::sigemptyset(&none);
  return ::syscall(SYS_sigprocmask, SIG_SETMASK, &none, nullptr) == 0 ? 0 : -1;
}

int kill_everything_in_jail(int jid) {
  // jail_attach(2) refuses a process that has a directory open, and the parent may have any.
  if (::close_range(0, ~0U, 0) != 0) return -1;
  if (::jail_attach(jid) != 0) return -1;
  return ::kill(-1, SIGKILL);
}

}  // namespace buildjail
