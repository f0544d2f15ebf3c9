#include "freebsd/unread.h"

#include <sys/types.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>

namespace buildjail {

void drop_unread(int socket) {
  if (::shutdown(socket, SHUT_RD) == 0) return;
  // It drops nothing where the other end is gone (shutdown(2), ENOTCONN), from which nothing more comes. A recv(2) that
  // does not ask for descriptors drops them.
  std::array<std::byte, 65536> unread;  // NOLINT(cppcoreguidelines-pro-type-member-init): written to only
  while (::recv(socket, unread.data(), unread.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace buildjail
