#pragma once

#include <cstdint>

#include "plan/plan.h"

namespace buildjail {

/**
 * The capabilities of a build that is root: those over files and processes of its own session. None of them reaches
 * beyond it, as SYS_ADMIN (mounts), SYS_PTRACE, NET_ADMIN and MKNOD would, and DAC_READ_SEARCH, which opens files of
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

/** The capabilities by which init launches commands and ends them, in a user namespace that it has entered. */
inline std::uint64_t init_capabilities(const BuildUser& user) {
  constexpr std::uint64_t kOwn = 1U << 5     // CAP_KILL
                                 | 1U << 6   // CAP_SETGID
                                 | 1U << 7   // CAP_SETUID
                                 | 1U << 8;  // CAP_SETPCAP
  return kOwn | kept_capabilities(user);
}

/**
 * For a child that has all capabilities in its user namespace: it keeps these and no others, and so does the program
 * that it executes, whatever its user (capabilities(7), "Ambient"). Returns null, or the call that failed.
 */
const char* make_ambient(std::uint64_t kept);

/**
 * For the child that becomes init in a user namespace of its own: no program that is executed there, init included, can
 * get more than `kept`. Root's init bounds its commands itself, before the first one (init/init.c).
 */
int bound_capabilities(std::uint64_t kept);

/** Whether this thread has a capability, given by its number, in its user namespace (capabilities(7)). */
bool has_capability(unsigned capability);
inline constexpr unsigned kNetAdmin = 12;  // CAP_NET_ADMIN

/**
 * Makes a new session keyring without a name, which init and every command inherit. A process inherits its parent's
 * (session-keyring(7)): otherwise a build would have the caller's, and all that it unlocks. A build still has the
 * keyrings of its user id (user-keyring(7)).
 *
 * For a child that shares our memory: system calls only. Succeeds if the kernel has no keyctl(2) or a filter refuses
 * it, because the build can make no such call either.
 */
int make_session_keyring();

}  // namespace buildjail
