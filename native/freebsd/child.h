#pragma once

#include <sys/param.h>
#include <sys/stat.h>
#include <sys/user.h>

#include <cerrno>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/jails.h"
#include "launch/vfork_child.h"

namespace buildjail {

// What a vfork(2)ed child may do: system calls on arguments that were prepared before. It runs in our memory, so
// nothing here allocates, locks or uses the thread library, whose state is ours (vfork(2), CAVEATS).

/** Closes all descriptors but one: jail_attach(2) refuses a process that has a directory open. */
int close_all_but(int kept);

/** The kernel's description of this process. */
int look_at_self(kinfo_proc& self);

/**
 * Sets every signal that is not at its default in `self` to it. An ignored signal would stay ignored across execve(2),
 * and a handler of the host program must not run here. Returns null, or the call that failed.
 */
const char* reset_signals(const kinfo_proc& self);
/** To be called after reset_signals. Returns null, or the call that failed. */
const char* unblock_signals();

/**
 * Until execve(2) a child has the arguments of the host program (kern.proc.args), which every process of its jail could
 * read. To be called before jail_attach(2), with the child's own pid.
 */
int forget_arguments(pid_t self);

/**
 * Keeps every process of the jail, root's too, from tracing this one: until execve(2), which ends the ban, it has the
 * host program's memory (procctl(2), PROC_TRACE_CTL). To be called before jail_attach(2).
 */
int forbid_tracing();

/**
 * To be called after jail_attach(2). ESRCH: this is another jail than the one that was meant, and `found` has its root.
 */
int confirm_root(const JailReference& jail, struct stat& found);

/**
 * These three in their order, and jail_attach(2) before the last, which refuses a process that has a directory open.
 * Returns null, or the call that failed: ESRCH of `lstat` if this is not the jail that was meant.
 */
const char* enter_jail(const JailReference& jail);

/**
 * Runs `work` in a vfork(2)ed child, and waits for its end. `work` returns the name of the call that failed, with
 * errno, or null. ECANCELED: the child was killed before it could report.
 */
template <class Work>
Status in_child(const char* step, Work work) {
  struct Told {
    Work& work;
    bool is_over = false;
    const char* syscall = nullptr;
    int err = 0;
  };
  Told told{.work = work};
  const auto run = [](void* context) {
    auto& telling = *static_cast<Told*>(context);
    telling.syscall = telling.work();
    telling.err = errno;
    telling.is_over = true;
  };
  const pid_t child = vfork_child(run, &told);
  if (child < 0) return last_error(step, "vfork");
  reap(child);
  if (!told.is_over)
    return SysError{.step = step, .syscall = "vfork", .err = ECANCELED, .detail = "the child that does it was killed"};
  if (told.syscall == nullptr) return {};
  return SysError{.step = step, .syscall = told.syscall, .err = told.err};
}

/**
 * Has a child open something, and takes over the descriptor. `open(channel, opened)` is the work of in_child; it leaves
 * `channel` open, over which the descriptor is sent. The kernel has made that without close-on-exec, or in a table of
 * the child's own; the parent's copy has close-on-exec from its first moment on. EMFILE: no descriptor is free here.
 */
Result<UniqueFd> opened_in_child(const char* step, const std::function<const char*(int channel, int& opened)>& open);
/** The same for several descriptors, in their order. */
Result<std::vector<UniqueFd>> all_opened_in_child(
    const char* step, std::size_t count, const std::function<const char*(int channel, std::span<int> opened)>& open);

}  // namespace buildjail
