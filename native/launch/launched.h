#pragma once

#include <sys/types.h>

#include <optional>

#include "base/credentials.h"

namespace buildjail {

struct Launched {
  pid_t pid;
  /** Who it is, as the kernel said right before execve(2); nothing where it was killed before it could ask. */
  std::optional<Credentials> who;
};

}  // namespace buildjail
