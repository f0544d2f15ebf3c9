#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <string>

#include "base/result.h"

namespace buildjail {

/** Where a child stopped that runs in our memory; `syscall` is null while it is on its way. */
struct Stopped {
  const char* step = nullptr;
  const char* syscall = nullptr;
  int err = 0;
  const char* path = "";
  const char* dest = "";
  const char* detail = "";
};

SysError error_of(const Stopped& stopped);

/** The frames of a child that shares our memory, but must not tread on our stack. Lives in its parent's frame. */
class ChildStack {
 public:
  ChildStack() noexcept = default;
  ~ChildStack();
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  ChildStack(ChildStack&&) = delete;
  ChildStack& operator=(ChildStack&&) = delete;

  // Stacks grow down on every architecture that Linux and Node have in common.
  [[nodiscard]] void* top() noexcept { return bytes_.data() + bytes_.size(); }
  [[nodiscard]] void* bottom() noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  alignas(64)
      std::array<std::byte, 65536> bytes_;  // NOLINT(cppcoreguidelines-pro-type-member-init): the child writes first
};

/**
 * As vfork_child (launch/vfork_child.h), with namespaces: runs `program(context)` in a clone(2)d child that shares our
 * memory, so at a cost that does not grow with it. `flags` are those of the namespaces to be made. Signals nobody when
 * it ends before it has executed another program; reap_clone waits for it.
 */
pid_t clone_child(int flags, void (*program)(void*), void* context, ChildStack& stack, int* pidfd = nullptr);

/**
 * The same in the cgroup of version 2 whose directory that is (clone3(2), CLONE_INTO_CGROUP). To move there later would
 * take until no processor is in what it was doing, some milliseconds. ENOSYS where a kernel, a container or this
 * package has no such call.
 */
pid_t clone_child_into(int cgroup, int flags, void (*program)(void*), void* context, ChildStack& stack, int* pidfd);

/** A child beside us that does nothing, for at most ten seconds: somebody for new namespaces to be of. */
pid_t clone_idle(int flags, ChildStack& stack);

/** waitpid(2) for children that clone_child made, whatever signal they end with (__WALL). */
void reap_clone(pid_t pid);

}  // namespace buildjail
