#include "freebsd/interfaces.h"

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sockio.h>

#include <net/if.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "interface";

Result<ifreq> call(unsigned long request, const std::string& name) {
  ifreq asked{};
  if (name.size() >= sizeof(asked.ifr_name)) {
    errno = ENAMETOOLONG;
    return last_error(kStep, "ioctl", name);
  }
  const UniqueFd socket(::socket(AF_LOCAL, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return last_error(kStep, "socket");
  name.copy(asked.ifr_name, sizeof(asked.ifr_name) - 1);
  if (::ioctl(socket.get(), request, &asked) != 0) return last_error(kStep, "ioctl", name);
  return asked;
}

}  // namespace

Result<std::string> create_interface(const std::string& name) {
  const auto made = call(SIOCIFCREATE2, name);
  if (!made) return made.error();
  return std::string(made->ifr_name);
}

Status destroy_interface(const std::string& name) {
  const auto destroyed = call(SIOCIFDESTROY, name);
  return destroyed ? Status() : destroyed.error();
}

}  // namespace buildjail
