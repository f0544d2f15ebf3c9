#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/unique_fd.h"
#include "linux/call_notices.h"
#include "linux/caller_rights.h"
#include "linux/path_calls.h"
#include "plan/plan.h"
#include "seen/seen_paths.h"

namespace buildjail {

/** Where nothing changes while a session is open: what was found there once is found there again. */
class LastingPlaces {
 public:
  /** `rest` are the steps that complete a base. */
  LastingPlaces(const EnvelopePlan& plan, const std::vector<Step>& rest);

  /** The nearest place that the path is in, if it lasts; else empty. */
  [[nodiscard]] std::string_view around(std::string_view path) const;

 private:
  struct Place {
    std::string target;
    bool lasts;
  };

  /** A build with mounts of its own can cover all of them. */
  bool is_any_;
  std::vector<Place> places_;
};

/** Whether what a call finds is not certain. Then the call is told as lost. */
class Doubt {
 public:
  /**
   * A look of this process failed. `told`: the errnos that say what is there; others say that this process has no
   * memory or no descriptor left, for example.
   */
  void note(int err, std::initializer_list<int> told) {
    if (std::ranges::find(told, err) == told.end()) lose();
  }
  void lose() { is_any_ = true; }
  [[nodiscard]] bool is_any() const { return is_any_; }

 private:
  bool is_any_ = false;
};

/**
 * Sees the calls with paths of a session, of which its filter tells, and finds out what each of them finds. The call is
 * then made by the kernel in any case: nothing is decided here. The build can change what it has passed between this
 * look and the call, but not what other sessions, or the host, have.
 */
class PathTrace {
 public:
  /** `root` is the session's, held by O_PATH. */
  PathTrace(std::shared_ptr<SeenPaths> seen, LastingPlaces places, UniqueFd root);

  void see(const CallNotice& notice, BorrowedRights& rights);
  /** A call was not seen. */
  void lose() { seen_->lose(); }

 private:
  /** A thread of the session that was seen. */
  struct Caller {
    pid_t process = 0;
    std::optional<CallerRights> rights{};
  };
  /** What is looked up of one path. */
  struct Wanted {
    std::string path;
    Use use;
    bool follows;
    /** It is opened, so its mode must allow the use. */
    bool is_opened = false;
    /** It is opened for reading as well. */
    bool reads_too = false;
    /** Nothing needs to be there. */
    bool may_be_made = false;
    /** The call fails where something is there. */
    bool must_be_made = false;
  };

  /** What a path with `..` comes to, for each name in its folder. */
  struct Straight {
    std::string path;
    /** The kernel stops there, and looks for no name. */
    bool is_stop = false;
  };

  void see_call(const CallNotice& notice, BorrowedRights& rights);
  /** Null if it has ended. */
  const Caller* caller_of(pid_t thread);
  void forget_callers();
  std::optional<Wanted> wanted_by(const CallNotice& notice, const PathCall& call, const PathArgument& argument);
  void look_up(const Caller& caller, Wanted wanted, BorrowedRights& rights);
  /** Takes `..` as the kernel does, which follows the links before it. False where it cannot be told. */
  bool straighten(Wanted& wanted);
  static void lead(Wanted& wanted, const Straight& straight, const std::string& name);
  /** The same from memory, if it was done for that folder. */
  void straighten_again(Wanted& wanted) const;
  /** Whether that path leads to the same in every later call: all the way it stays in one place that lasts. */
  bool lasts(const std::string& path);
  /** Empty where links lead to what cannot be told. */
  std::optional<Lookup> found_at(const Wanted& wanted);
  /** The interpreters of a program, which the kernel opens (elf(5), execve(2)). */
  void see_interpreters(const Caller& caller, pid_t thread, const std::string& program, BorrowedRights& rights);
  void see_execution(const CallNotice& notice, const PathCall& call, const Caller& caller, const std::string& path,
                     BorrowedRights& rights);

  std::shared_ptr<SeenPaths> seen_;
  /** About the call that is being seen. */
  Doubt doubt_{};
  LastingPlaces places_;
  UniqueFd root_;
  std::array<const PathCall*, kNewestCall + 1> calls_{};
  std::unordered_map<pid_t, Caller> callers_;
  std::set<std::string> interpreted_;
  /** Of folders with `..` in their paths, where that lasts. */
  std::unordered_map<std::string, Straight> straight_;
};

}  // namespace buildjail
