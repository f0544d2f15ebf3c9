#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/copying.h"
#include "base/result.h"
#include "envelope/output.h"
#include "envelope/part.h"
#include "envelope/sources.h"
#include "plan/plan.h"
#include "state/journal.h"
#include "state/lease.h"
#include "state/recovery.h"

namespace buildjail {

/** The session for which parts are added. Everything that it refers to outlives the parts. */
struct Opening {
  const EnvelopePlan& plan;
  /** The steps of the plan, or those of the rest of a base. */
  const std::vector<Step>& steps;
  const Nesting& nesting;
  /** The base is open, and this is the rest of the plan. */
  bool is_rest;
  const Lessee& lessee;
  Journal& journal;
  /** Known once the ids of the session are. */
  std::function<LentAs()> lent_as{};
  SourceList::LookAtMounts look_at_mounts{};
  /** Ends all processes inside, and waits for their end. Called again it does nothing. */
  std::function<Status(TakingAway&)> end_processes{};
  /** Waits until everything that commands wrote is in its files. False when the time is over first. */
  std::function<bool(std::chrono::milliseconds)> end_flows{};
  /** FreeBSD: the directory where the root is mounted. */
  std::string root{};
  /** Checked by long steps. */
  Copying copying{};
  /** The leases of its outputs, from OutputLease on. */
  std::vector<OutputLease*> leases{};

  /** Whether the root is sealed by this opening, so that commands can be launched. */
  [[nodiscard]] bool is_sealed() const { return is_rest || !plan.is_base; }
  /** Null for a bind that is not an output. */
  [[nodiscard]] OutputLease* lease_of(const Bind& bind) const {
    const auto found = std::ranges::find(leases, &bind, &OutputLease::bind);
    return found == leases.end() ? nullptr : *found;
  }
};

/** A dead session that a recovery takes away. */
struct DeadSession {
  const std::string& state_directory;
  const JournalEntry& entry;
  Journal& journal;
  /** Things that were found and not touched. */
  std::vector<Leftover>& leftovers;
  /** The leases of its outputs, by device and inode, from OutputLease on. */
  std::map<std::pair<std::uint64_t, std::uint64_t>, OutputLease*> leases{};

  [[nodiscard]] LeaseHolder holder() const { return {.id = entry.id, .state_directory = state_directory}; }
  /**
   * Whether the list of its sources exists and names it. The list is made before any cgroup and jail, and removed after
   * them. Without it, a cgroup or jail that the journal names belongs to another session.
   */
  [[nodiscard]] bool is_listed() const;
};

/** EINVAL: the journal has a fact that no session of this version notes. */
inline SysError not_noted_by_us(const std::string& detail) {
  return {.step = "recover", .syscall = "read", .err = EINVAL, .detail = detail};
}

/**
 * The kinds of parts of a system's sessions, in the order in which they are made: the one list for opening, closing and
 * recovery. Each is a Part with three members: `add_planned` adds those of its parts that the plan asks for; `add_left`
 * those that a dead session left, and touches nothing; `kFacts` is the name of its facts in the journal, and empty
 * without facts of its own.
 */
template <class... Kinds>
struct PartList {
  /** The parts that a plan asks for. */
  template <class SystemOpening>
  static Parts planned(SystemOpening& opening) {
    Parts parts;
    (Kinds::add_planned(opening, parts), ...);
    return parts;
  }

  /** The parts that a dead session left. EINVAL for a fact that no kind has. */
  template <class SystemDeadSession>
  static Result<Parts> left(SystemDeadSession& dead) {
    for (const Fact& fact : dead.entry.facts) {
      if (!((fact.part == Kinds::kFacts) || ...))
        return not_noted_by_us("it has facts of '" + fact.part + "', which this version does not know");
    }
    Parts parts;
    Status status;
    // Stops at the first kind that refuses the journal.
    static_cast<void>((static_cast<bool>(status = Kinds::add_left(dead, parts)) && ...));
    if (!status) return std::move(status.error());
    return parts;
  }
};

// Parts that sessions of all systems have. Outputs, mount points and the list of sources have files of their own.

/**
 * The output of commands that goes to files of the host. The files get the last of it when no process is left. This is
 * the first part, so that nothing waits for it.
 */
class FileFlows final : public Part {
 public:
  explicit FileFlows(std::function<bool(std::chrono::milliseconds)> end) : end_(std::move(end)) {}
  static void add_planned(const Opening& opening, Parts& parts) {
    if (!opening.is_rest) parts.push_back(std::make_unique<FileFlows>(opening.end_flows));
  }

  /** Waits in the first call only. A later call, also a destructor's, checks whether they have ended by then. */
  Status take_away(TakingAway&) override {
    const bool is_first = !std::exchange(is_held_up_, true);
    if (end_(is_first ? kBound : std::chrono::milliseconds(0))) return {};
    return SysError{.step = "stdio",
                    .syscall = "write",
                    .err = ETIMEDOUT,
                    .detail = "a file of the host does not take what was written to it"};
  }

 private:
  static constexpr std::chrono::milliseconds kBound{10'000};

  std::function<bool(std::chrono::milliseconds)> end_;
  bool is_held_up_ = false;
};

/** The session's entry in the state directory. It goes after everything that its facts name. */
class StateEntry final : public Part {
 public:
  StateEntry(Journal& journal, JournalEntry entry = {}) : journal_(journal), entry_(std::move(entry)) {}
  static void add_planned(const Opening& opening, Parts& parts) {
    if (opening.is_rest) return;
    JournalEntry entry{.id = opening.lessee.session.id,
                       .name = opening.plan.name,
                       .pid = ::getpid(),
                       .started_ms = now_ms(),
                       .host_directory = opening.lessee.host_directory,
                       .facts = {}};
    parts.push_back(std::make_unique<StateEntry>(opening.journal, std::move(entry)));
  }
  static Status add_left(const DeadSession& dead, Parts& parts) {
    parts.push_back(std::make_unique<StateEntry>(dead.journal));
    return {};
  }

  [[nodiscard]] std::string_view step() const override { return "journal"; }
  [[nodiscard]] std::vector<Fact> facts() const override { return session_facts(entry_); }
  Status make(Trace&) override { return journal_.begin(); }
  Status take_away(TakingAway&) override { return journal_.end(); }

 private:
  static std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }

  Journal& journal_;
  JournalEntry entry_;
};

/**
 * The directory where the root is mounted, beside the session's entry. It lies in the state directory, which is
 * private, because a jail's root must not be reachable by other users of the host (jail(8), NOTES).
 */
class SessionDirectory final : public Part {
 public:
  /** `is_there`: a dead session made it. */
  explicit SessionDirectory(std::string root, bool is_there = false) : root_(std::move(root)), is_there_(is_there) {}
  static void add_planned(const Opening& opening, Parts& parts) {
    if (!opening.is_rest && !opening.root.empty()) parts.push_back(std::make_unique<SessionDirectory>(opening.root));
  }
  static Status add_left(const DeadSession& dead, Parts& parts) {
    parts.push_back(std::make_unique<SessionDirectory>(root_of(dead.state_directory, dead.entry.id), true));
    return {};
  }

  [[nodiscard]] std::string_view step() const override { return "session-directory"; }
  Status make(Trace&) override {
    // chmod as well: a tmpfs takes the mode of the directory that it covers, and the umask is the host program's.
    if (::mkdir(root_.c_str(), kMode) != 0) return last_error("state-directory", "mkdir", root_);
    is_there_ = true;
    if (::chmod(root_.c_str(), kMode) != 0) return last_error("state-directory", "chmod", root_);
    return {};
  }
  /** Removes a directory only, which must be empty: never a tree. */
  Status take_away(TakingAway& taking) override {
    if (!is_there_) return {};
    if (::rmdir(root_.c_str()) != 0 && errno != ENOENT) return last_error("rmdir", "rmdir", root_);
    is_there_ = false;
    taking.trace.mark("rmdir");
    return {};
  }

 private:
  static constexpr mode_t kMode = 0755;

  std::string root_;
  bool is_there_;
};

/**
 * All processes inside. This is the last part, so that everything that a process could use goes after the processes.
 */
class Commands final : public Part {
 public:
  explicit Commands(std::function<Status(TakingAway&)> end) : end_(std::move(end)) {}
  static void add_planned(const Opening& opening, Parts& parts) {
    if (opening.is_sealed()) parts.push_back(std::make_unique<Commands>(opening.end_processes));
  }

  Status take_away(TakingAway& taking) override { return end_(taking); }

 private:
  std::function<Status(TakingAway&)> end_;
};

}  // namespace buildjail
