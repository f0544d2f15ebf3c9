#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <dirent.h>
#include <poll.h>
#include <termios.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/vfs.h>
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

#include <dlfcn.h>
#include <unistd.h>

#include <cstring>
#endif

#include "faults/fault.h"
#include "faults/raw_names.h"

namespace buildjail::faults {

// Named for the linker only, as names like those it asks for are not for programs to declare.
#define CALL_OF(is_done, result, symbol, name, parameters, ...)          \
  extern "C" result real_##symbol parameters __asm__("__real_" #symbol); \
  extern "C" result wrap_##symbol parameters __asm__("__wrap_" #symbol); \
  result wrap_##symbol parameters { return around<result>(name, is_done, real_##symbol __VA_OPT__(, ) __VA_ARGS__); }
#define CALL(...) CALL_OF(false, __VA_ARGS__)
#define CALL_ANYWAY(...) CALL_OF(true, __VA_ARGS__)

#include "faults/calls.inc"
#ifdef __linux__
#include "faults/calls_linux.inc"
#else
#include "faults/calls_freebsd.inc"

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
