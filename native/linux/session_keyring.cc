#include "linux/session_keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace buildjail {

namespace {

// KEY_POS_ALL, and for the user of KEY_USR_ALL what joining takes and not more, so that nobody else sees the name
// (keyctl_setperm(3)).
constexpr unsigned long kJoinable = 0x3f000000 | 0x00080000;

long join(const char* name) { return ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name); }

int unless_unknown(long result) { return result >= 0 || errno == ENOSYS || errno == EPERM ? 0 : -1; }

}  // namespace

int make_session_keyring(const char* name) {
  const long keyring = join(name);
  if (keyring < 0) return unless_unknown(keyring);
  return ::syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, kJoinable) == 0 ? 0 : -1;
}

int join_session_keyring(const char* name) { return unless_unknown(join(name)); }

}  // namespace buildjail
