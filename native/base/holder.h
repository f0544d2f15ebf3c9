#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace buildjail {

/** Who keeps something from being taken away. */
struct Holder {
  /** `open-file`, `cwd`, ...: HolderKind of src/errors.ts. */
  std::string kind;
  /** 0 where it is no process. */
  pid_t pid = 0;
  std::string command;
  /** Of what it holds, on the host; empty where that has none. */
  std::string path;
};

/** `held by pid 812 (vi): cwd /a; pid 9 (sh): open file /a/log`, the first few of them. Empty without holders. */
[[nodiscard]] std::string held_by(const std::vector<Holder>& holders);

}  // namespace buildjail
