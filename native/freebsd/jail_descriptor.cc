#include "freebsd/jail_descriptor.h"

#include <unistd.h>

namespace buildjail {

namespace {

// The number of jail_remove_jd(2) (syscalls.master), as a binary that is linked against it does not load on 14.
constexpr int kJailRemoveJd = 598;

}  // namespace

Status remove_jail_by(int descriptor) {
  return ::syscall(kJailRemoveJd, descriptor) == 0 ? Status() : last_error("jail_remove", "jail_remove_jd");
}

}  // namespace buildjail
