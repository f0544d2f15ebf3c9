#include "linux/loopback.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace buildjail {

const char* bring_up_loopback() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return "socket";
  // The kernel gives it both addresses by itself as soon as it is up.
  ifreq loopback{};
  std::memcpy(loopback.ifr_name, "lo", sizeof("lo"));
  loopback.ifr_flags = IFF_UP;
  const int result = ::ioctl(socket, SIOCSIFFLAGS, &loopback);
  const int err = errno;
  ::close(socket);
  errno = err;
  return result == 0 ? nullptr : "ioctl";
}

}  // namespace buildjail
