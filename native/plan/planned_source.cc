#include "plan/planned_source.h"

#include <fcntl.h>

#include <cerrno>

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
  return SysError{
      .step = kStep, .syscall = "fstat", .err = ESTALE, .path = bind.source, .dest = {}, .detail = kStaleSource};
}

}  // namespace buildjail
