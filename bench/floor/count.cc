// Counts the system calls of the floor program by the very wrappers that count those of the addon's test build.
#include <sys/types.h>

#include <unistd.h>

#include "fault.h"

using buildjail::faults::around;

// Calls that native code does not make by these names (linux/raw_calls.h, freebsd/jail_child.cc).
#define CALL(result, symbol, parameters, ...)                            \
  extern "C" result real_##symbol parameters __asm__("__real_" #symbol); \
  extern "C" result wrap_##symbol parameters __asm__("__wrap_" #symbol); \
  result wrap_##symbol parameters { return around<result>(#symbol, false, real_##symbol, __VA_ARGS__); }

#ifdef __linux__
CALL(int, close_range, (unsigned first, unsigned last, int flags), first, last, flags)
#else
CALL(int, setgroups, (int count, const gid_t* groups), count, groups)
#endif

extern "C" void begin_count() { buildjail::faults::arm({}); }

extern "C" void end_count(int (*each)(const char* name)) {
  for (const char* name : buildjail::faults::disarm().calls) each(name);
}
