#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <termios.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "linux/init_calls.h"
#else
#include <sys/param.h>
#include <sys/acl.h>
#include <sys/cpuset.h>
#include <sys/event.h>
#include <sys/mount.h>
#include <sys/rctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <db.h>
#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include <cstring>
#endif

#include <algorithm>
#include <array>

#include "fault.h"

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
    {439, "faccessat2"},
    {442, "mount_setattr"},
    {SYS_capget, "capget"},
    {SYS_capset, "capset"},
    {SYS_execveat, "execveat"},
    {SYS_keyctl, "keyctl"},
    {SYS_pivot_root, "pivot_root"},
    {SYS_rt_sigaction, "rt_sigaction"},
    {SYS_rt_sigprocmask, "rt_sigprocmask"},
    {SYS_seccomp, "seccomp"},
    {SYS_setfsgid, "setfsgid"},
    {SYS_setfsuid, "setfsuid"},
    {SYS_setgroups, "setgroups"},
    {SYS_setresgid, "setresgid"},
    {SYS_setresuid, "setresuid"},
#else
    // As freebsd/jails.cc numbers it.
    {598, "jail_remove_jd"},
    {SYS_sendmsg, "sendmsg"},
    {SYS_sigaction, "sigaction"},
    {SYS_sigprocmask, "sigprocmask"},
#endif
});

/** The name that our errors have for a system call that is made by number (syscall(2)); `syscall` if it is unknown. */
const char* name_of_number(long number) {
  const auto* found = std::find_if(kRawNames.begin(), kRawNames.end(),
                                   [number](const RawName& known) { return known.number == number; });
  return found == kRawNames.end() ? "syscall" : found->name;
}

}  // namespace

// Named for the linker only, as names like those it asks for are not for programs to declare.
#define CALL_OF(is_done, result, symbol, name, parameters, ...)          \
  extern "C" result real_##symbol parameters __asm__("__real_" #symbol); \
  extern "C" result wrap_##symbol parameters __asm__("__wrap_" #symbol); \
  result wrap_##symbol parameters { return around<result>(name, is_done, real_##symbol __VA_OPT__(, ) __VA_ARGS__); }
#define CALL(...) CALL_OF(false, __VA_ARGS__)
#define CALL_ANYWAY(...) CALL_OF(true, __VA_ARGS__)

#include "calls.inc"
#ifdef __linux__
#include "calls_linux.inc"
#else
#include "calls_freebsd.inc"

namespace {

using SetGroupsCall = int (*)(int, const gid_t*);

// Found once, and the same for all: libc's own.
constinit SetGroupsCall real_setgroups = nullptr;

int wrap_setgroups(int count, const gid_t* groups) {
  return around<int>("setgroups", false, real_setgroups, count, groups);
}

}  // namespace

// setgroups(2) is not linked against but looked up (freebsd/jail_child), so it is wrapped where it is found.
extern "C" void* real_dlvsym(void* handle, const char* name, const char* version) __asm__("__real_dlvsym");
extern "C" void* wrap_dlvsym(void* handle, const char* name, const char* version) __asm__("__wrap_dlvsym");
void* wrap_dlvsym(void* handle, const char* name, const char* version) {
  void* const found = real_dlvsym(handle, name, version);
  if (found == nullptr || std::strcmp(name, "setgroups") != 0) return found;
  real_setgroups = reinterpret_cast<SetGroupsCall>(found);
  return reinterpret_cast<void*>(wrap_setgroups);
}
#endif

}  // namespace buildjail::faults

#ifdef __linux__
namespace buildjail {

// Init makes this one later, but what is to fail is decided here.
void meet_fault(init_call& call, const char* name) {
  std::array<std::uintptr_t, std::size(decltype(call.arguments){})> arguments{};
  std::copy(std::begin(call.arguments), std::end(call.arguments), arguments.begin());
  int err = 0;
  const faults::Action action = faults::meet(name, arguments, err);
  std::copy(arguments.begin(), arguments.end(), std::begin(call.arguments));
  if (action != faults::Action::kFail && action != faults::Action::kSkip) return;
  call = {};
  call.name = kCallExpect;
  // No bit of anything is 0, and none is 1.
  call.arguments[2] = action == faults::Action::kFail ? 1 : 0;
  call.arguments[3] = static_cast<unsigned long long>(err);
}

}  // namespace buildjail
#endif
