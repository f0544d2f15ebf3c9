#include "linux/clone_child.h"

#include <sched.h>
#include <sys/wait.h>

#include <cerrno>

#include "base/blocked_signals.h"

namespace buildjail {

namespace {

struct Start {
  void (*program)(void*);
  void* context;
};

int begin(void* start) {
  const Start& given = *static_cast<Start*>(start);
  given.program(given.context);
  return 127;
}

}  // namespace

SysError error_of(const Stopped& stopped) {
  return {.step = stopped.step,
          .syscall = stopped.syscall,
          .err = stopped.err,
          .path = stopped.path,
          .dest = stopped.dest,
          .detail = stopped.detail};
}

// In a file of its own, so that the compiler must assume the context to be changed by it.
pid_t clone_child(int flags, void (*program)(void*), void* context, ChildStack& stack, int* pidfd) {
  const BlockedSignals blocked;
  Start start{.program = program, .context = context};
  const int wants_pidfd = pidfd == nullptr ? 0 : CLONE_PIDFD;
  return ::clone(begin, stack.top(), flags | wants_pidfd | CLONE_VM | CLONE_VFORK, &start, pidfd);
}

void reap_clone(pid_t pid) {
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

}  // namespace buildjail
