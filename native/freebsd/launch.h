#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "envelope/record.h"
#include "freebsd/jail_child.h"
#include "freebsd/jails.h"
#include "launch/launch_request.h"
#include "plan/plan.h"

namespace buildjail {

struct Launched {
  pid_t pid;
  /** Its credentials right before execve(2); empty if it was killed before it could ask the kernel. */
  std::optional<Credentials> who;
};

/**
 * The login class (setloginclass(2)) of a command and everything that it starts: a process inherits it, and only root
 * changes its own. It limits nothing here; it tells the processes of one command from those of others.
 */
std::string login_class_of(std::uint32_t run);

/**
 * Starts a command in a jail, by vfork(2), whose cost does not grow with this process. The child closes everything and
 * gives up every privilege before execve(2). If a step fails, that is the error, and the command is not executed.
 *
 * As soon as the child has the build's ids, other processes of the session may kill it, also before execve(2). Then no
 * step failed: the command was ended by a signal, and is waited for like any other.
 *
 * Before execve(2) the child has this process's memory, which the kernel counts as the jail's (rctl(8), memoryuse). A
 * child that is killed for that is launched again, `more_launches` times at most.
 */
Result<Launched> launch_in_jail(const JailReference& jail, const BuildUser& user, const SetGroups& groups,
                                LaunchRequest& request, const std::array<int, 3>& stdio, const GivenTerminal& terminal,
                                int more_launches);

/** Sends SIGKILL to every process of a jail, which stays. ETIMEDOUT: processes inside killed the killer each time. */
Status kill_in_jail(const Jail& jail);

}  // namespace buildjail
