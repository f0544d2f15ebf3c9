#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/fork_steps.h"
#include "freebsd/set_limits.h"

namespace buildjail {

/** A process to be started in any jail: the child of a session (jail_child.h), with each of its steps to be chosen. */
struct SpawnRequest {
  enum class Stdio : std::uint8_t { kNull, kPipe, kDescriptor };

  int jid = 0;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string working_directory;
  /** With the step kLoginClass. */
  std::string login_class;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  mode_t umask = 022;
  int parent_death_signal = 0;
  std::vector<SetLimits::Bound> limits;
  ForkSteps steps;
  /** kNull: the jail's own /dev/null, with the step kNull, else nothing. */
  std::array<Stdio, 3> stdio{};
  /** Copies of those that were given, all above 2; or empty. */
  std::array<UniqueFd, 3> descriptors;
};

struct Spawned {
  pid_t pid;
  /** Our ends of its pipes. */
  std::array<UniqueFd, 3> ours;
};

/** What it returns runs, and is the caller's to wait for. The error of a step carries what that step calls. */
Result<Spawned> spawn_in_jail(SpawnRequest& request);

}  // namespace buildjail
