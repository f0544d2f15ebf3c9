#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "freebsd/jails.h"
#include "freebsd/session_terminal.h"
#include "freebsd/set_groups.h"
#include "launch/launch_request.h"
#include "plan/plan.h"

namespace buildjail {

struct Launched {
  pid_t pid;
  /** Who it is, as the kernel said right before execve(2); nothing where it was killed before it could ask. */
  std::optional<Credentials> who;
};

/**
 * The login class (setloginclass(2)) of a command and of everything it starts, wherever that goes: a process inherits
 * it, and only root changes its own. It limits nothing here, but tells a command's processes from its neighbours'.
 */
std::string login_class_of(std::uint32_t run);

/**
 * Starts a command in a jail: vfork(2), so at a cost that does not grow with this process. The child closes everything
 * and leaves every privilege behind before execve(2); a step that fails is reported, and the command is not executed.
 *
 * From the moment that it has the build's ids, others of the session may kill it, also before execve(2). Then no step
 * failed: it is a command that was ended by a signal, and is there to be waited for as any other.
 *
 * Until then it also has this process's memory, which counts as its own (rctl(8), memoryuse): one that is killed for
 * that is launched again, `more_launches` times at most.
 */
Result<Launched> launch_in_jail(const JailReference& jail, const BuildUser& user, const SetGroups& groups,
                                LaunchRequest& request, const std::array<int, 3>& stdio, const GivenTerminal& terminal,
                                int more_launches);

/** SIGKILL to every process of a jail, which stays. ETIMEDOUT where something inside was quicker each time. */
Status kill_in_jail(const Jail& jail);

}  // namespace buildjail
