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
 * Sees the calls with paths of a session, of which its filter tells, and finds out what each of them finds. The call is
 * then made by the kernel in any case: nothing is decided here. The build can change what it has passed between this
 * look and the call, but not what other sessions, or the host, have.
 */
class PathTrace {
 public:
  PathTrace(std::shared_ptr<SeenPaths> seen, SessionPaths paths);

  void see(const CallNotice& notice, BorrowedRights& rights);
  /** A call was not seen. */
  void lose() { seen_->lose(); }

 private:
  /** A thread of the session that was seen. */
  struct Caller {
    pid_t process = 0;
    pid_t thread = 0;
    std::optional<CallerRights> rights{};
  };

  void see_call(const CallNotice& notice, BorrowedRights& rights);
  /** Null if it has ended. */
  const Caller* caller_of(pid_t thread);
  void forget_callers();
  /** As the caller has them now. */
  static bool take_rights(const Caller& caller, BorrowedRights& rights);
  void look_up(const Caller& caller, WantedPath wanted, BorrowedRights& rights);
  /** False where it cannot be told. With the rights of the caller. */
  bool straighten(pid_t process, WantedPath& wanted);
  /** Of a path without `..`. False where it cannot be told. With the rights of the caller. */
  bool find(pid_t process, const WantedPath& wanted);
  void add(pid_t process, Lookup found);
  /** The interpreters of a program, which the kernel opens (elf(5), execve(2)). */
  void see_interpreters(const Caller& caller, pid_t thread, const std::string& program, BorrowedRights& rights);
  void see_execution(const CallNotice& notice, const PathCall& call, const Caller& caller, const std::string& path,
                     BorrowedRights& rights);

  std::shared_ptr<SeenPaths> seen_;
  /** About the call that is being seen. */
  Doubt doubt_{};
  SessionPaths paths_;
  std::array<const PathCall*, kNewestCall + 1> calls_{};
  std::unordered_map<pid_t, Caller> callers_;
  std::set<std::string> interpreted_;
};

}  // namespace buildjail
