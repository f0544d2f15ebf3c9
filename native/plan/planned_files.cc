#include "plan/planned_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>

namespace buildjail {

namespace {

constexpr const char* kStep = "pin-source";

}  // namespace

Result<UniqueFd> pin_source(const Bind& bind) {
  const int kind = bind.is_file ? O_PATH : O_RDONLY | O_DIRECTORY;
  UniqueFd fd(::open(bind.source.c_str(), kind | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return last_error(kStep, "open", bind.source);
  struct stat found{};
  if (::fstat(fd.get(), &found) != 0) return last_error(kStep, "fstat", bind.source);
  if (is_planned(bind, found)) return fd;
  return SysError{.step = kStep, .syscall = "fstat", .err = ESTALE, .path = bind.source, .detail = kStaleSource};
}

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
                  .detail = "it is another device than when the plan was made"};
}

}  // namespace buildjail
