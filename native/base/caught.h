#pragma once

#include <cerrno>
#include <new>
#include <system_error>

#include "base/result.h"

namespace buildjail {

/** What `work` gives, which is a Result; what the standard library throws for lack of memory or of threads as an error
 * of that. */
template <class Work>
auto caught(const char* step, Work&& work) -> decltype(work()) {
  const auto error = [step](const char* syscall, int err) {
    return SysError{.step = step, .syscall = syscall, .err = err, .path = {}, .dest = {}, .detail = {}};
  };
  try {
    return work();
  } catch (const std::system_error& thrown) {
    return error("pthread_create", thrown.code().value());
  } catch (const std::bad_alloc&) {
    return error("malloc", ENOMEM);
  }
}

}  // namespace buildjail
