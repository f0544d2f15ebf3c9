#pragma once

#include <sys/param.h>
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/user.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/jails.h"
#include "launch/host_terminal.h"
#include "plan/limits.h"

namespace buildjail {

/** The steps of a child between vfork(2) and execve(2), in this order (run_jail_child). */
enum class ForkStep : std::uint8_t {
  kSession,
  kLoginName,
  kArguments,
  kLoginClass,
  kTerminal,
  kStdio,
  kCloseRange,
  kTracing,
  kProtection,
  kCores,
  kTerminals,
  kLimits,
  kGroups,
  kGid,
  kAttach,
  kRoot,
  kNull,
  kDirectory,
  kUmask,
  kUid,
  kNoNewPrivileges,
  kParentDeath,
  kSignals,
};

/** All steps but some. */
class ForkSteps {
 public:
  void leave_out(ForkStep step) noexcept { left_out_ |= bit(step); }
  [[nodiscard]] bool has(ForkStep step) const noexcept { return (left_out_ & bit(step)) == 0; }

 private:
  static std::uint32_t bit(ForkStep step) noexcept { return std::uint32_t{1} << static_cast<unsigned>(step); }
  std::uint32_t left_out_ = 0;
};

/**
 * The supplementary groups of a command. setgroups(2) changed in 15.0: before, the first group of its list is the
 * effective group id. The constructor looks which of the two this libc has, and makes a list that means the same.
 */
class SetGroups {
 public:
  SetGroups(gid_t gid, const std::vector<gid_t>& groups);
  /** In the child. */
  [[nodiscard]] int call() const { return function_(static_cast<int>(groups_.size()), groups_.data()); }

 private:
  using Function = int (*)(int, const gid_t*);
  Function function_;
  std::vector<gid_t> groups_;
};

/**
 * The limits of a command's processes, for setrlimit(2). None is higher than this process's own: the child is root when
 * it sets them, and could raise them.
 */
class SetLimits {
 public:
  struct Bound {
    int resource;
    rlimit limit;
  };

  static Result<SetLimits> of(const CommandLimits& limits);
  /** Exactly these limits, even if this process has lower ones. */
  static SetLimits exactly(std::vector<Bound> bounds) {
    SetLimits set;
    set.bounds_ = std::move(bounds);
    return set;
  }
  /** Whether one is of the stack, which changes memory (jail_child.cc). */
  [[nodiscard]] bool is_of_stack() const {
    return std::ranges::any_of(bounds_, [](const Bound& bound) { return bound.resource == RLIMIT_STACK; });
  }
  /** In the child. */
  [[nodiscard]] int call() const;

 private:
  Status add(int resource, rlim_t most, rlim_t hard);

  std::vector<Bound> bounds_;
};

/** A terminal of the host (pts(4)) that was made for a command. */
struct OpenedTerminal {
  UniqueFd master;
  /** The path of the other side, which only the command's process opens (`give_terminal`). */
  std::string path;
};

Result<OpenedTerminal> open_terminal(const CommandTerminal& terminal);

/** The terminal that the child gives its command. */
struct GivenTerminal {
  /** Null: the command has no terminal. */
  const char* path;
  const CommandTerminal* terminal;
};

/**
 * Opens the terminal, makes it the controlling one if it is typed into, and puts it among `stdio`. The child calls it
 * when it leads a session and is not in the jail yet. No other process may have it open: then the kernel waits at the
 * end of the command until all its output was read, and otherwise throws that away (revoke(2)). In the jail, this
 * terminal of the host is seen and no other (devfs(4)).
 */
int give_terminal(const GivenTerminal& given, std::array<int, 3>& stdio);

/** The call at which a child stopped; `syscall` is null if none failed. */
struct Stopped {
  const char* syscall = nullptr;
  int err = 0;
};

/** Everything that a child uses to enter a jail, made before the child exists, and its report. */
struct JailChild {
  ForkSteps steps;
  JailReference jail;
  std::array<int, 3> stdio;
  GivenTerminal terminal;
  const char* login_class;
  const char* working_directory;
  mode_t umask;
  const SetGroups* groups;
  const SetLimits* limits;
  uid_t uid;
  gid_t gid;
  int parent_death_signal;
  char* const* candidates;
  char* const* argv;
  char* const* environment;
  /** The kernel's description of the child right before execve(2). */
  kinfo_proc self;
  /** It is about to give up our memory, for which it could be killed. */
  bool is_executing;
  Stopped stopped;

  /** Whether it was killed before it could execute the command or report a failed call. */
  [[nodiscard]] bool has_died_early() const noexcept { return !is_executing && stopped.syscall == nullptr; }
};

/** Runs `child` in a child of its own (vfork_child), and returns its pid. -1 and errno when there was no child. */
pid_t start_jail_child(JailChild& child);

}  // namespace buildjail
