#include "plan/planned_device.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>

namespace buildjail {

Status confirm_device(const std::string& path, const NamedDevice& device, const char* step) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return last_error(step, "lstat", device.path);
  const mode_t kind = device.is_block ? S_IFBLK : S_IFCHR;
  // defence: device-named-one-planned
  if ((found.st_mode & S_IFMT) == kind && static_cast<std::uint64_t>(found.st_rdev) == device.number) return {};
  return SysError{.step = step,
                  .syscall = "lstat",
                  .err = ESTALE,
                  .path = device.path,
                  .dest = {},
                  .detail = "it is another device than when the plan was made"};
}

}  // namespace buildjail
