#include "linux/session_keyring.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace buildjail {

namespace {

// By number, as the kernel's own headers are not everywhere where a compiler is (keyctl(2)).
constexpr int kGetKeyringId = 0;
constexpr int kJoinSessionKeyring = 1;
constexpr int kOwnSessionKeyring = -3;

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

int make_session_keyring() { return unless_unknown(::syscall(SYS_keyctl, kJoinSessionKeyring, nullptr)); }

}  // namespace buildjail
