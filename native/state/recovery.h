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

namespace buildjail {

/** A session whose owner was dead, and what of it was taken away. */
struct RecoveredSession {
  std::string id;
  std::string name;
  pid_t pid = 0;
  /** The jail's name, when there still was one. */
  std::string jail;
  /** Where, youngest first. */
  std::vector<std::string> unmounted;
  /** Outputs that have their owner and mode back. */
  std::vector<std::string> handed_back;
  /** Outputs that are not any more where they were. */
  std::vector<std::string> lost;
};

/** Something that was found and not touched. */
struct Leftover {
  std::string path;
  std::string reason;
};

enum class Standing : std::uint8_t {
  /** There is nothing of it, or was not by the time it was looked for. */
  kGone,
  kLive,
  kRecovered,
  /** It could not be recovered, not all of it, or is none of ours. */
  kNotRecovered,
};

struct Outcome {
  Standing standing;
  /** Empty when there was nothing but its entry. */
  std::optional<RecoveredSession> recovered;
  std::vector<Leftover> leftovers;
};

struct RecoveryReport {
  std::vector<RecoveredSession> recovered;
  std::vector<Leftover> leftovers;
};

/**
 * Takes away what dead sessions left, as their journals tell. One that lives is not touched; of two recoveries at once
 * one works on an entry, as it has the entry's lock.
 */
class Recovery {
 public:
  /**
   * Takes away everything that the entry of a dead session tells of, and the entry last. Adds what it did to the
   * outcome and returns an error for each thing that would not go. Each system has its own.
   */
  using TakeAway = std::function<std::vector<SysError>(const JournalEntry& entry, Journal& journal, Outcome& outcome)>;

  Recovery(std::string state_directory, TakeAway take_away)
      : state_directory_(std::move(state_directory)), take_away_(std::move(take_away)) {}

  /**
   * Everything in the state directory. Waits as long as `bound` for entries that somebody else is recovering, and for
   * those of the process `dying`, which are known to be about to be let go.
   */
  [[nodiscard]] RecoveryReport run(std::chrono::milliseconds bound, pid_t dying = 0) const;
  /** One session. */
  [[nodiscard]] Outcome recover(const std::string& id, std::chrono::milliseconds bound, pid_t dying = 0) const;

 private:
  [[nodiscard]] Outcome take_away(const JournalEntry& entry, const std::string& file, UniqueFd lock) const;

  std::string state_directory_;
  TakeAway take_away_;
};

/** `unmount '/a': EBUSY (what is known beyond it)`. */
std::string reason_of(const SysError& error);

/** The whole state directory, by the system's own means: see Recovery::run. Defined by each system's folder. */
RecoveryReport recover_state(const std::string& state_directory, std::chrono::milliseconds bound, pid_t dying = 0);

struct ListedSession {
  JournalEntry entry;
  /** Its owner lives; otherwise it is for a recovery. */
  bool is_live;
  /** FreeBSD: where its root is mounted. */
  std::string root{};
  /** FreeBSD: of its jail, where there is one. */
  std::optional<int> jid{};
};

/** The sessions that have a readable entry in the state directory. */
Result<std::vector<ListedSession>> list_sessions(const std::string& state_directory);

}  // namespace buildjail
