#pragma once

#include <sys/param.h>
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/user.h>

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "freebsd/jails.h"
#include "launch/launch_request.h"
#include "launch/terminal.h"
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
  kFib,
  kNull,
  kUmask,
  kUid,
  kDirectory,
  kNoNewPrivileges,
  kParentDeath,
  kSignals,
};

/** By ForkStep. */
using LeftOutSteps = std::bitset<32>;

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

/** A limit of a process, for setrlimit(2). */
struct ProcessLimit {
  int resource;
  rlimit limit;
};

/**
 * The limits of a command's processes. None is higher than this process's own: the child is root when it sets them, and
 * could raise them.
 */
Result<std::vector<ProcessLimit>> process_limits(const CommandLimits& limits);

/**
 * The bytes that the pipes of a build's user may have, a quarter of what there is for the whole host
 * (kern.ipc.maxpipekva). Beyond half of that, the kernel makes everybody's pipes small (pipespace_new). No bound for
 * root, whose pipes are those of the host's root too.
 */
Result<rlim_t> most_pipe_memory(uid_t uid);

/** Everything that a child uses to enter a jail, made before the child exists, and its report. */
struct JailChild {
  LeftOutSteps left_out{};
  JailReference jail;
  /** The file that it and its children are traced to (ktrace(2)); null: none. */
  const char* trace_file = nullptr;
  std::array<int, 3> stdio;
  /** The terminal that it gives the command (pts(4)), by its path, which nobody else opens; null: none. */
  const char* terminal_path = nullptr;
  const CommandTerminal* terminal = nullptr;
  const char* login_class;
  /** The routing table of its sockets (setfib(2)); none: that of this process. */
  std::optional<int> fib{};
  const char* working_directory;
  mode_t umask;
  const SetGroups* groups;
  std::span<const ProcessLimit> limits;
  /** Bytes of pipes that its user may have; see most_pipe_memory(). */
  rlim_t most_pipe_memory = RLIM_INFINITY;
  uid_t uid;
  gid_t gid;
  int parent_death_signal;

  // From here on the child's own, or start_jail_child's.
  char* const* candidates = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  /** The root that it has found in the jail. */
  struct stat root{};
  /** The kernel's description of the child right before execve(2). */
  kinfo_proc self{};
  /** It is about to give up our memory, for which it could be killed. */
  bool is_executing = false;
  /** The call at which it stopped; null if none failed. */
  const char* stopped_at = nullptr;
  int err = 0;
};

/**
 * Starts the program of `request` by vfork(2), whose cost does not grow with this process, and returns its pid. If a
 * step fails, that is the error, by its call, and nothing is executed.
 *
 * As soon as the child has the ids of the command, other processes of the jail may kill it, also before execve(2). Then
 * no step failed: the command was ended by a signal, and is waited for like any other.
 *
 * Before execve(2) the child has this process's memory, which the kernel counts as the jail's (rctl(8), memoryuse). A
 * child that is killed for that is launched again, `more_launches` times at most.
 */
Result<pid_t> start_jail_child(JailChild& child, LaunchRequest& request, int more_launches = 0);

}  // namespace buildjail
