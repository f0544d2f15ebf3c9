#include "faults/raw_names.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace buildjail::faults {

namespace {

struct RawName {
  long number;
  const char* name;
};

constexpr auto kRawNames = std::to_array<RawName>({
#ifdef __linux__
    // As linux/raw_calls.h numbers them.
    {424, "pidfd_send_signal"},
    {428, "open_tree"},
    {429, "move_mount"},
    {430, "fsopen"},
    {431, "fsconfig"},
    {432, "fsmount"},
    {434, "pidfd_open"},
    {436, "close_range"},
    {437, "openat2"},
    {442, "mount_setattr"},
    {458, "listmount"},
    {SYS_capget, "capget"},
    {SYS_capset, "capset"},
    {SYS_execveat, "execveat"},
    {SYS_keyctl, "keyctl"},
    {SYS_pivot_root, "pivot_root"},
    {SYS_rt_sigaction, "rt_sigaction"},
    {SYS_rt_sigprocmask, "rt_sigprocmask"},
    {SYS_seccomp, "seccomp"},
    {SYS_setgroups, "setgroups"},
    {SYS_setresgid, "setresgid"},
    {SYS_setresuid, "setresuid"},
#else
    // As freebsd/jails.cc numbers it.
    {598, "jail_remove_jd"},
    {SYS_sigaction, "sigaction"},
    {SYS_sigprocmask, "sigprocmask"},
#endif
});

}  // namespace

const char* name_of_number(long number) {
  const auto* found = std::find_if(kRawNames.begin(), kRawNames.end(),
                                   [number](const RawName& known) { return known.number == number; });
  return found == kRawNames.end() ? "syscall" : found->name;
}

}  // namespace buildjail::faults
