#pragma once

#include <cstdint>

#include "plan/plan.h"

namespace buildjail {

/**
 * Capabilities that a build which asked to be root has: those over files and processes of its own session. None of them
 * reaches beyond it: not SYS_ADMIN (mounts), SYS_PTRACE, NET_ADMIN, MKNOD, nor DAC_READ_SEARCH, which opens files of
 * the host by handle (open_by_handle_at(2)).
 */
inline constexpr std::uint64_t kRootKeeps = 1U << 0     // CAP_CHOWN
                                            | 1U << 1   // CAP_DAC_OVERRIDE
                                            | 1U << 3   // CAP_FOWNER
                                            | 1U << 4   // CAP_FSETID
                                            | 1U << 5   // CAP_KILL
                                            | 1U << 6   // CAP_SETGID
                                            | 1U << 7;  // CAP_SETUID

inline std::uint64_t kept_capabilities(const BuildUser& user) { return user.uid == 0 ? kRootKeeps : 0; }

/**
 * For the child that becomes init in a user namespace: no program that is executed in there can get more than `kept`,
 * init too. Root's init keeps everything, and bounds its commands itself (init/init.c).
 */
int bound_capabilities(std::uint64_t kept);

}  // namespace buildjail
