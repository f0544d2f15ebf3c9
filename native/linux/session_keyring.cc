#include "linux/session_keyring.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace buildjail {

namespace {

// By number, as the kernel's own headers are not everywhere where a compiler is (keyctl(2)).
constexpr int kJoinSessionKeyring = 1;
constexpr int kSetPermissions = 5;

// KEY_POS_ALL, and for the user of KEY_USR_ALL what joining takes and not more, so that nobody else sees the name
// (keyctl_setperm(3)).
constexpr unsigned long kJoinable = 0x3f000000 | 0x00080000;

long join(const char* name) { return ::syscall(SYS_keyctl, kJoinSessionKeyring, name); }

int unless_unknown(long result) { return result >= 0 || errno == ENOSYS || errno == EPERM ? 0 : -1; }

}  // namespace

int make_session_keyring(const char* name) {
  const long keyring = join(name);
  if (keyring < 0) return unless_unknown(keyring);
  return ::syscall(SYS_keyctl, kSetPermissions, keyring, kJoinable) == 0 ? 0 : -1;
}

int join_session_keyring(const char* name) { return unless_unknown(join(name)); }

}  // namespace buildjail
