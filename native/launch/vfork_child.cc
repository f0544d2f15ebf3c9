#include "launch/vfork_child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "base/signals.h"

namespace buildjail {

namespace {

constexpr int kNotExecuted = 127;

#ifdef RFSPAWN

struct Program {
  void (*run)(void*);
  void* context;
};

int run(void* program) {
  const auto& [run, context] = *static_cast<Program*>(program);
  run(context);
  return kNotExecuted;
}

// vfork(2) that puts every handler of ours to its default in the child, which would take a sigaction(2) for each
// (rfork(2), RFSPAWN). The child has a stack of its own, as x86 keeps the return address on the stack
// (rfork_thread(3)).
pid_t start(void (*program)(void*), void* context) {
  alignas(16) std::array<std::byte, 65536>
      stack;  // NOLINT(cppcoreguidelines-pro-type-member-init): the child writes what it uses
  Program started{.run = program, .context = context};
  return ::rfork_thread(RFSPAWN, stack.data() + stack.size(), run, &started);
}

#else

pid_t start(void (*program)(void*), void* context) {
  const pid_t child = ::vfork();
  if (child != 0) return child;
  program(context);
  ::_exit(kNotExecuted);
}

#endif

}  // namespace

// In a file of its own, so that the compiler must assume the context to be changed by it.
pid_t vfork_child(void (*program)(void*), void* context) {
  const BlockedSignals blocked;
  return start(program, context);
}

void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace buildjail
