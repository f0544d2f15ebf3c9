#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** Makes a directory of mode 0700, or takes one that is there if it is the caller's own and of that mode. */
Status make_private_directory(const std::string& path);

/** What lies in a state directory, by name. */
struct StateDirectory {
  /** By id, whatever of them there is. */
  std::vector<std::string> sessions;
  /** What no version of this package puts there. */
  std::vector<std::string> others;
};

/** EPERM when it is not the caller's own and private; empty when it is not there. */
Result<StateDirectory> read_state_directory(const std::string& path);

/** The names in a directory, without `.` and `..`. */
Result<std::vector<std::string>> names_in(const std::string& path);

}  // namespace buildjail
