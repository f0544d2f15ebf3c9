#include "launch/vfork_child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/blocked_signals.h"

namespace buildjail {

// In a file of its own, so that the compiler must assume the context to be changed by it.
pid_t vfork_child(void (*program)(void*), void* context) {
  const BlockedSignals blocked;
  const pid_t child = ::vfork();
  if (child != 0) return child;
  program(context);
  ::_exit(127);
}

void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace buildjail
