#pragma once

#include <sys/types.h>

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "linux/call_notices.h"
#include "linux/caller_rights.h"
#include "linux/doubt.h"
#include "linux/path_calls.h"
#include "linux/session_paths.h"
#include "seen/seen_paths.h"

namespace buildjail {

/**
 * Records the calls with paths that a session's filter reports, and finds out what each of them leads to. The kernel
 * then makes the call in any case: nothing is decided here. Between this look and the call a build can change the path
 * that it has passed, but not the files of other sessions or of the host.
 */
class PathTrace {
 public:
  PathTrace(std::shared_ptr<SeenPaths> seen, SessionPaths paths);

  void see(const CallNotice& notice, BorrowedRights& rights);
  /** Records that a call was not seen. */
  void lose() { seen_->lose(); }

 private:
  /** A thread of the session that has made calls before. */
  struct Caller {
    pid_t process = 0;
    pid_t thread = 0;
    std::optional<CallerRights> rights{};
  };

  void see_call(const CallNotice& notice, BorrowedRights& rights);
  /** Null if it has ended. */
  const Caller* caller_of(pid_t thread);
  void forget_callers();
  /** Takes the rights that the caller has now. */
  static bool take_rights(const Caller& caller, BorrowedRights& rights);
  void look_up(const Caller& caller, WantedPath wanted, BorrowedRights& rights);
  /** With the rights of the caller. False if the path cannot be known. */
  bool straighten(pid_t process, WantedPath& wanted);
  /** Of a path without `..`, with the rights of the caller. False if the result cannot be known. */
  bool find(pid_t process, const WantedPath& wanted);
  void add(pid_t process, Lookup found);
  /** The interpreters of a program, which the kernel opens (elf(5), execve(2)). */
  void see_interpreters(const Caller& caller, pid_t thread, const std::string& program, BorrowedRights& rights);
  void see_execution(const CallNotice& notice, const PathCall& call, const Caller& caller, const std::string& path,
                     BorrowedRights& rights);

  std::shared_ptr<SeenPaths> seen_;
  /** Of the call that is being recorded. */
  Doubt doubt_{};
  SessionPaths paths_;
  std::array<const PathCall*, kNewestCall + 1> calls_{};
  std::unordered_map<pid_t, Caller> callers_;
  std::set<std::string> interpreted_;
};

}  // namespace buildjail
