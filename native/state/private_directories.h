#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** Checks the folders around paths, each folder once. */
class Surroundings {
 public:
  /**
   * EPERM if another user could put another folder in the place of `path`: it is a symbolic link or not the caller's
   * own, or others can change a folder around it. A sticky folder such as /tmp is safe, because no other user can
   * rename the caller's files in it (chmod(2), S_ISVTX). `path` is absolute and may be missing; the folders around it
   * exist.
   */
  Status refuse_exposed(const std::string& path);
  /** EPERM if others can change a folder around `path`. Does not look at `path` itself. */
  Status refuse_changeable(const std::string& path);

 private:
  /** Folders in which others can exchange nothing. */
  std::vector<std::string> safe_;
};

/** Makes a directory of mode 0700, or accepts one that is the caller's own and has that mode. */
Status make_private_directory(const std::string& path);

/** The names in a state directory. */
struct StateDirectory {
  /** The ids of sessions that have an entry, a root or both. */
  std::vector<std::string> sessions;
  /** Files that no version of this package puts there. */
  std::vector<std::string> others;
};

/** EPERM if it is not the caller's own and private; empty if it is missing. */
Result<StateDirectory> read_state_directory(const std::string& path);

/** The names in a directory, without `.` and `..`. */
Result<std::vector<std::string>> names_in(const std::string& path);

/**
 * The one directory for the leases of all sessions that the caller opens on this host, whatever their state
 * directories. For an ordinary user it lies in the runtime directory (`/run/user/<uid>`, $XDG_RUNTIME_DIR, or else
 * /tmp). Makes it if it is missing. EPERM if it is not private, or another user could exchange it.
 */
Result<std::string> host_directory(Surroundings& around);

}  // namespace buildjail
