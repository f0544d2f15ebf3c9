#pragma once

#include <sys/types.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/** The call at which a child stopped that runs in our memory; `syscall` is null while none has failed. */
struct Stopped {
  /** Notes the call that just failed, with errno. Returns false, for a caller that does so too. */
  bool at(const char* failed_step, const char* failed_call, const char* at_path = "") noexcept {
    step = failed_step;
    syscall = failed_call;
    err = errno;
    path = at_path;
    return false;
  }
  /** Whether a call failed, by its result; notes it then. */
  bool failed(const char* of_step, const char* call, int result) noexcept { return result < 0 && !at(of_step, call); }

  const char* step = nullptr;
  const char* syscall = nullptr;
  int err = 0;
  const char* path = "";
};

/** The stack of a child that shares our memory. It lives in its parent's frame. */
class ChildStack {
 public:
  ChildStack() noexcept = default;
  ~ChildStack();
  ChildStack& operator=(ChildStack&&) = delete;

  // Stacks grow down on every architecture that Linux and Node have in common.
  [[nodiscard]] void* top() noexcept { return bytes_.data() + bytes_.size(); }
  [[nodiscard]] void* bottom() noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  alignas(64)
      std::array<std::byte, 65536> bytes_;  // NOLINT(cppcoreguidelines-pro-type-member-init): the child writes first
};

/** What a child does that shares our memory; false if it has stopped at a call. */
using ChildProgram = std::function<bool(Stopped&)>;

/**
 * Runs the program in a clone(2)d child that shares our memory, so its cost does not grow with that. Returns when the
 * child has ended: the error of the call at which it stopped, or ECANCELED if it was killed. `flags` are those of
 * clone(2).
 */
Status run_in_child(const char* step, int flags, const ChildProgram& program);

/** A child that has executed another program. It sends no signal when it ends (__WALL). */
struct ExecutedChild {
  pid_t pid;
  UniqueFd pidfd;
};

/**
 * Runs the program in a child of the same kind, which executes another one in the end. The child is made in the cgroup
 * of version 2 with that directory (clone3(2), CLONE_INTO_CGROUP); moving there later would take some milliseconds,
 * because the kernel waits for all processors then. `cgroup` is -1 without one, and becomes -1 before the program runs
 * where the kernel, a container or this package has no such call.
 */
Result<ExecutedChild> execute_in_child(int flags, int& cgroup, const ChildProgram& program);

/** Makes a child that waits for at most ten seconds: a process for new namespaces to belong to. */
pid_t clone_idle(int flags, ChildStack& stack);

/** waitpid(2) for children of this file, whatever signal they end with (__WALL). */
void reap_clone(pid_t pid);

// For a child that shares our memory: system calls on arguments prepared before. Nothing here allocates, locks or goes
// through the thread library, whose state is ours too (vfork(2), CAVEATS).

/** Sets every signal to its default action: ignored signals stay ignored through execve(2). */
int reset_signals();
int unblock_signals();

bool write_file(const char* step, const char* path, std::string_view text, Stopped& stopped);

}  // namespace buildjail
