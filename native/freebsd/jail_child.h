#pragma once

#include <sys/param.h>
#include <sys/user.h>

#include <array>

#include "freebsd/fork_steps.h"
#include "freebsd/jails.h"
#include "freebsd/session_terminal.h"
#include "freebsd/set_groups.h"
#include "freebsd/set_limits.h"

namespace buildjail {

/** Where a child stopped; `syscall` is null while it is on its way. */
struct Stopped {
  const char* syscall = nullptr;
  int err = 0;
};

/** Everything a child uses that goes into a jail, made before it exists, and what it has to say. */
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
  /** Before execve(2). */
  kinfo_proc self;
  /** From here on it has none of our memory, for which it could be killed. */
  bool is_executing;
  Stopped stopped;

  /** Killed, before it could execute or say why not. */
  [[nodiscard]] bool has_died_early() const noexcept { return !is_executing && stopped.syscall == nullptr; }
};

/** Runs `child` in a child of its own (vfork_child), and returns its pid. -1 and errno when there was no child. */
pid_t start_jail_child(JailChild& child);

}  // namespace buildjail
