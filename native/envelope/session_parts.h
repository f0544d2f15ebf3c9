#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "envelope/part_list.h"
#include "plan/plan.h"
#include "state/journal.h"

namespace buildjail {

// Parts that sessions of all systems have. Outputs, mount points and the list of sources have files of their own.

/**
 * What commands wrote to files of the host. No process is left when the files get the last of it. This is the first
 * part, so that nothing stays for its sake.
 */
class FileFlows final : public PassingPart {
 public:
  explicit FileFlows(std::function<bool(std::chrono::milliseconds)> end) : end_(std::move(end)) {}
  static void add_planned(const Opening& opening, Parts& parts) {
    if (!opening.is_rest) parts.push_back(std::make_unique<FileFlows>(opening.end_flows));
  }

  /** Waits the first time only: a later call, also that of a destructor, looks whether they have ended by then. */
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

/** The session's entry in the state directory. It goes after everything that it has facts of. */
class StateEntry final : public Part {
 public:
  /** `host_directory` is the directory of its leases; empty if it has none. */
  StateEntry(Journal& journal, std::string id, std::string name, std::string host_directory = {})
      : journal_(journal), id_(std::move(id)), name_(std::move(name)), host_directory_(std::move(host_directory)) {}
  static constexpr std::string_view kFacts{};
  static void add_planned(const Opening& opening, Parts& parts) {
    if (opening.is_rest) return;
    const Lessee& lessee = opening.lessee;
    parts.push_back(
        std::make_unique<StateEntry>(opening.journal, lessee.session.id, opening.plan.name, lessee.host_directory));
  }
  static Status add_left(const DeadSession& dead, Parts& parts) {
    parts.push_back(std::make_unique<StateEntry>(dead.journal, dead.entry.id, dead.entry.name));
    return {};
  }

  [[nodiscard]] std::string_view step() const override { return "journal"; }
  [[nodiscard]] std::vector<Fact> facts() const override {
    return session_facts({.id = id_,
                          .name = name_,
                          .pid = ::getpid(),
                          .started_ms = now_ms(),
                          .host_directory = host_directory_,
                          .facts = {}});
  }
  Status make(Trace&) override { return journal_.begin(); }
  Status take_away(TakingAway&) override { return journal_.end(); }

 private:
  static std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }

  Journal& journal_;
  std::string id_;
  std::string name_;
  std::string host_directory_;
};

/**
 * The directory where the root is mounted, beside the session's entry. It lies in the state directory, which is
 * private, because a jail's root must not be reachable by other users of the host (jail(8), NOTES).
 */
class SessionDirectory final : public Part {
 public:
  /** `is_there`: a dead session made it. */
  explicit SessionDirectory(std::string root, bool is_there = false) : root_(std::move(root)), is_there_(is_there) {}
  static constexpr std::string_view kFacts{};
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

/** All processes inside. This is the last part, so that everything that a process could use goes after its end. */
class Commands final : public PassingPart {
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
