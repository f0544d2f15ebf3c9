#pragma once

#include <cstdint>

#include "plan/plan.h"

namespace buildjail {

/**
 * Capabilities that a build which asked to be root has: those over files and processes of its own session. None of them
 * reaches beyond it: not SYS_ADMIN (mounts), SYS_PTRACE, NET_ADMIN, MKNOD, nor DAC_READ_SEARCH, which opens files of
 * the host by handle (open_by_handle_at(2)).
 */
// defence: root-keeps-seven-capabilities
inline constexpr std::uint64_t kRootKeeps = 1U << 0     // CAP_CHOWN
                                            | 1U << 1   // CAP_DAC_OVERRIDE
                                            | 1U << 3   // CAP_FOWNER
                                            | 1U << 4   // CAP_FSETID
                                            | 1U << 5   // CAP_KILL
                                            | 1U << 6   // CAP_SETGID
                                            | 1U << 7;  // CAP_SETUID

inline std::uint64_t kept_capabilities(const BuildUser& user) { return user.uid == 0 ? kRootKeeps : 0; }

/** What init needs to launch commands and to end them, in a user namespace that it has entered. */
inline std::uint64_t init_capabilities(const BuildUser& user) {
  constexpr std::uint64_t kOwn = 1U << 5     // CAP_KILL
                                 | 1U << 6   // CAP_SETGID
                                 | 1U << 7   // CAP_SETUID
                                 | 1U << 8;  // CAP_SETPCAP
  return kOwn | kept_capabilities(user);
}

/**
 * For a child that has all capabilities in its user namespace: it keeps these and no others, and the program that it
 * executes has them, whatever its user (capabilities(7), "Ambient"). Null, or the call that failed.
 */
const char* make_ambient(std::uint64_t kept);

/**
 * For the child that becomes init in a user namespace: no program that is executed in there can get more than `kept`,
 * init too. Root's init bounds its commands itself, before the first (init/init.c).
 */
int bound_capabilities(std::uint64_t kept);

/** Whether this thread has a capability in its user namespace, by the number that capabilities(7) has for it. */
bool has_capability(unsigned capability);
inline constexpr unsigned kNetAdmin = 12;  // CAP_NET_ADMIN

}  // namespace buildjail
