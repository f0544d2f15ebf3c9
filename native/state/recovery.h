#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/journal.h"
#include "state/lent_output.h"

namespace buildjail {

/** The objects of a session that were taken away. */
struct TakenAway {
  /** FreeBSD: the name of the jail. */
  std::string jail{};
  /** The paths of mounts, the youngest first. */
  std::vector<std::string> unmounted{};
  /** Outputs that have their owner and mode of before again. */
  std::vector<std::string> handed_back{};
  /** Outputs whose path leads nowhere, or to another directory. */
  std::vector<std::string> lost{};
  std::vector<LeftInOutput> left_in_outputs{};
};

/** A session whose owner was dead. */
struct RecoveredSession {
  std::string id;
  std::string name;
  pid_t pid = 0;
  TakenAway taken{};
};

/** An object that a recovery found and did not touch. */
struct Leftover {
  std::string path;
  std::string reason;
};

/** The step of the error that says that a process of a session does not end. It may still end by itself. */
inline constexpr const char* kUnended = "empty-jail";

enum class Standing : std::uint8_t {
  /** There is no such session, or none any more. */
  kGone,
  kLive,
  /** Part of it could not be taken away, or it is not a session of this version. */
  kNotRecovered,
};

struct Outcome {
  Standing standing;
  /** Empty if only its entry was left. */
  std::optional<RecoveredSession> recovered{};
  std::vector<Leftover> leftovers{};
  /** Some of them are there because a process does not end. */
  bool is_unended = false;
};

struct RecoveryReport {
  std::vector<RecoveredSession> recovered{};
  std::vector<Leftover> leftovers{};
  /** Another recovery may take more away, once a process has ended. */
  bool is_unended = false;
};

/**
 * Takes away the objects of dead sessions that their journals name. A live session is not touched. The lock of an entry
 * lets only one of several recoveries work on it.
 *
 * A journal is believed only as far as the leases bear it out, which no build and no state directory can change: they
 * are in one private directory of the caller's (state/lease.h).
 */
class Recovery {
 public:
  /**
   * Takes away everything that the entry of a dead session names, and the entry last. Adds that to the outcome, and
   * returns an error for each object that could not be taken away. Each system has its own.
   */
  using TakeAway = std::function<std::vector<SysError>(const JournalEntry& entry, Journal& journal, Outcome& outcome)>;

  /** `leases` is the host directory, whatever a journal names. */
  Recovery(std::string state_directory, std::string leases, TakeAway take_away)
      : state_directory_(std::move(state_directory)), leases_(std::move(leases)), take_away_(std::move(take_away)) {}

  /**
   * Recovers all sessions of the state directory. Waits up to `bound` for entries that another process is recovering,
   * and for those of the process `dying`, which will release them soon.
   */
  [[nodiscard]] RecoveryReport run(std::chrono::milliseconds bound, pid_t dying = 0) const;
  /** Recovers one session. */
  [[nodiscard]] Outcome recover(const std::string& id, std::chrono::milliseconds bound, pid_t dying = 0) const;

 private:
  [[nodiscard]] Outcome take_away(const JournalEntry& entry, const std::string& file, UniqueFd lock) const;

  std::string state_directory_;
  std::string leases_;
  TakeAway take_away_;
};

/** The error as text: `unmount '/a': EBUSY (detail)`. */
std::string reason_of(const SysError& error);

/** The recovery of a state directory, by the parts of the running system. Each system's folder defines it. */
Recovery recovery_of(const std::string& state_directory, const std::string& leases);

/** Of Recovery::run in `recover_state`. Another process, which may be a watcher, may be recovering the same sessions.
 */
inline constexpr std::chrono::milliseconds kOthersBound{10000};

/** Recovery::run, with what else the running system needs. Each system's folder defines it. */
RecoveryReport recover_state(const std::string& state_directory, const std::string& leases, pid_t dying = 0);

struct ListedSession {
  JournalEntry entry;
  /** Its owner lives. Otherwise a recovery takes it away. */
  bool is_live;
  /** FreeBSD: where its root is mounted. */
  std::string root{};
  /** FreeBSD: the id of its jail, if there is one. */
  std::optional<int> jid{};
};

/** The sessions that have a readable entry in the state directory. */
Result<std::vector<ListedSession>> list_sessions(const std::string& state_directory);

}  // namespace buildjail
