#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/holder.h"

namespace buildjail {

/** A system call that said no: during which step, which call, which errno, on what. The one error type of native code.
 */
struct SysError {
  std::string step;
  std::string syscall;
  int err = 0;
  std::string path;
  std::string dest;
  /** What the kernel said beyond the errno, or what we know beyond it. */
  std::string detail;
  /** Where something could not be taken away: who is known to hold it. */
  std::vector<Holder> holders{};
};

/** The error of a call that just failed; reads errno, so it comes straight after the call. */
[[nodiscard]] SysError last_error(std::string step, std::string syscall, std::string path = {});

/** The symbolic name of an errno (`ENOENT`), from this system's own table. */
[[nodiscard]] std::string errno_name(int err);

/** strerror(3) without its shared buffer. */
[[nodiscard]] std::string errno_text(int err);

}  // namespace buildjail
