#include "linux/session_keyring.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace buildjail {

namespace {

// By number, as the kernel's own headers are not everywhere where a compiler is (keyctl(2)).
constexpr int kGetKeyringId = 0;
constexpr int kJoinSessionKeyring = 1;
constexpr int kSetPermissions = 5;
constexpr int kOwnSessionKeyring = -3;

// KEY_POS_ALL, and for the user of KEY_USR_ALL what joining takes and not more, so that nobody else sees the name
// (keyctl_setperm(3)).
constexpr unsigned long kJoinable = 0x3f000000 | 0x00080000;

long join(const char* name) { return ::syscall(SYS_keyctl, kJoinSessionKeyring, name); }

bool is_unknown(int err) { return err == ENOSYS || err == EPERM; }

/**
 * A kernel without keyrings, and a container that forbids keyctl(2) (seccomp(2)), say so whatever is asked; the
 * caller's are then out of reach inside as well. If it was only this that could not be, they are not.
 */
int unless_unknown(long result) {
  if (result >= 0) return 0;
  const int err = errno;
  if (is_unknown(err) && ::syscall(SYS_keyctl, kGetKeyringId, kOwnSessionKeyring, 0) < 0 && is_unknown(errno)) return 0;
  errno = err;
  return -1;
}

}  // namespace

int make_session_keyring(const char* name) {
  const long keyring = join(name);
  if (keyring < 0) return unless_unknown(keyring);
  return ::syscall(SYS_keyctl, kSetPermissions, keyring, kJoinable) == 0 ? 0 : -1;
}

int join_session_keyring(const char* name) { return unless_unknown(join(name)); }

}  // namespace buildjail
