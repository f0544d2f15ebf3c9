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

/**
 * The one place for the leases of all sessions that the caller opens on this host, whatever their state directories.
 * It is root's own, or in an ordinary user's runtime directory (`/run/user/<uid>`, $XDG_RUNTIME_DIR, or else /tmp).
 * This makes it where it is not there. EPERM when it is not private, or could be exchanged by somebody else.
 */
Result<std::string> host_directory(Surroundings& around);

}  // namespace buildjail
