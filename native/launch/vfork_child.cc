#include "launch/vfork_child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "base/signals.h"
#include "base/unique_fd.h"

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

// Its callers are in other files, so the compiler must assume that it changes the context.
pid_t vfork_child(void (*program)(void*), void* context) {
  const BlockedSignals blocked;
  return start(program, context);
}

void reap(pid_t pid) {
  without_interruption([pid] { return ::waitpid(pid, nullptr, 0); });
}

int set_stdio(const std::array<int, 3>& stdio) {
  for (int target = 0; target < static_cast<int>(stdio.size()); ++target) {
    const int given = stdio[static_cast<std::size_t>(target)];
    // The host program may have closed it itself.
    if (given < 0) ::close(target);
    if (given >= 0 && ::dup2(given, target) < 0) return -1;
  }
  return 0;
}

int open_own_null(const std::array<int, 3>& stdio) {
  for (int target = 0; target < static_cast<int>(stdio.size()); ++target) {
    if (stdio[static_cast<std::size_t>(target)] >= 0) continue;
    // The lowest number that is free (open(2)), which is this one: those above may be, those below are not.
    if (::open("/dev/null", target == 0 ? O_RDONLY : O_WRONLY) < 0) return -1;
  }
  return 0;
}

int execute_first(char* const* candidates, char* const* argv, char* const* environment) {
  int found = ENOENT;
  for (char* const* candidate = candidates; *candidate != nullptr; ++candidate) {
    // access(2) comes first for all but the last, because it costs less than a failed execve(2).
    if (candidate[1] != nullptr && ::access(*candidate, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) continue;
    ::execve(*candidate, argv, environment);
    if (errno == EACCES) {
      found = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return -1;
    }
  }
  errno = found;
  return -1;
}

}  // namespace buildjail
