#pragma once

#include <linux/capability.h>

#include <cstdint>

#include "linux/child.h"
#include "linux/init_calls.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The capabilities of a build that is root: those over files and processes of its own session. None of them reaches
 * beyond it, as SYS_ADMIN (mounts), SYS_PTRACE, NET_ADMIN and MKNOD would, and DAC_READ_SEARCH, which opens files of
 * the host by handle (open_by_handle_at(2)).
 */
// defence: root-keeps-seven-capabilities
inline constexpr std::uint64_t kRootKeeps = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER |
                                            1U << CAP_FSETID | 1U << CAP_KILL | 1U << CAP_SETGID | 1U << CAP_SETUID;

inline std::uint64_t kept_capabilities(const BuildUser& user) { return user.uid == 0 ? kRootKeeps : 0; }

/** For a child that has taken another effective user id, which leaves it none effective (capabilities(7)). */
bool raise_capabilities(Stopped& stopped);

/**
 * For the child of an ordinary user that becomes init: its capabilities in its user namespace outlive the execution
 * (capabilities(7), "Ambient").
 */
bool keep_capabilities(Stopped& stopped);

/**
 * Calls by which init, which has all capabilities in its user namespace, gives them up: no program that is executed
 * from then on can get more than a command may have. If init `launches_others`, it keeps those by which it launches
 * commands as their users and ends them.
 */
void bound_capabilities(const BuildUser& user, bool launches_others, InitCalls& calls);

/** Takes all other capabilities from this thread and from no other. False if the kernel refuses that. */
bool keep_capabilities_only(std::uint64_t kept);

/** Whether this thread has a capability in its user namespace (capabilities(7)). */
bool has_capability(unsigned capability);

/**
 * Makes a new session keyring without a name, which init and every command inherit. A process inherits its parent's
 * (session-keyring(7)): otherwise a build would have the caller's, and all that it unlocks. A build still has the
 * keyrings of its user id (user-keyring(7)).
 *
 * For a child that shares our memory. Succeeds if the kernel has no keyctl(2) or a filter refuses
 * it, because the build can make no such call either.
 */
bool make_session_keyring(Stopped& stopped);

}  // namespace buildjail
