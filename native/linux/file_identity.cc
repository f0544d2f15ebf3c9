#include "linux/file_identity.h"

#include <fcntl.h>

#include <cstddef>

namespace buildjail {

std::string identity_of(int fd, dev_t device) {
  struct {
    file_handle head;
    unsigned char bytes[MAX_HANDLE_SZ];
  } handle{};
  handle.head.handle_bytes = MAX_HANDLE_SZ;
  int mount = -1;
  if (::name_to_handle_at(fd, "", &handle.head, &mount, AT_EMPTY_PATH) != 0) return {};
  const auto* const begin = reinterpret_cast<const char*>(handle.head.f_handle);
  return std::to_string(device) + ":" + std::to_string(handle.head.handle_type) + ":" +
         std::string(begin, handle.head.handle_bytes);
}

}  // namespace buildjail
