#pragma once

#include <sys/types.h>

#include <cerrno>

namespace buildjail {

/** The answer of a call, which is made again as long as a signal interrupts it (EINTR). */
template <class Call>
ssize_t without_interruption(Call call) {
  ssize_t result = -1;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace buildjail
