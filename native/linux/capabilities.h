#pragma once

#include <cstdint>

namespace buildjail {

// For a child between entering the namespaces and execve(2); system calls only. The kernel's own names for what is
// left: capabilities(7), "Transformation of capabilities during execve()".

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

/** The sets of a process, each capability by the bit of its number. */
struct Capabilities {
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
};

int get_capabilities(Capabilities& found);

/** Before the ids are changed: what no program executed from here on can get, for good. */
int bound_capabilities(std::uint64_t kept);

/**
 * After they were: nothing is in effect any more but `kept`, so that files are opened and executed with the build's own
 * rights. The permitted set goes with execve(2) and not before it: until then this process shares our memory, and it is
 * its capabilities that keep another process of the same user from tracing it (ptrace(2), access mode checking).
 */
int lay_down_capabilities(const Capabilities& held, std::uint64_t kept);

// For init: by the two it keeps one capability through execve(2), so that no build, which has none, may trace it.
int make_kill_inheritable(const Capabilities& held);
int keep_kill();

int forbid_new_privileges();

}  // namespace buildjail
