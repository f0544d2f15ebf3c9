#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** The folders around several paths, each of which is looked at once. */
class Surroundings {
 public:
  /**
   * EPERM when somebody else could put another folder in the place of `path`: it is a symbolic link or not the caller's
   * own, or a folder around it can be changed by others. A folder that is sticky, as /tmp, lets nobody exchange what is
   * the caller's (chmod(2), S_ISVTX). `path` is absolute and need not be there; the folders around it are.
   */
  Status refuse_exposed(const std::string& path);
  /** EPERM when a folder around `path` can be changed by others. What is at `path` is not looked at. */
  Status refuse_changeable(const std::string& path);

 private:
  /** Others can exchange nothing in these. */
  std::vector<std::string> safe_;
};

}  // namespace buildjail
