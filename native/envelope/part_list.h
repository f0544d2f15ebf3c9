#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "envelope/output.h"
#include "envelope/part.h"
#include "envelope/sources.h"
#include "plan/plan.h"
#include "state/journal.h"
#include "state/lease.h"
#include "state/recovery.h"

namespace buildjail {

/** The session that parts are added for. Everything that it refers to outlives the parts. */
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
  std::function<LentAs()> lent_as;
  SourceList::LookAtMounts look_at_mounts;
  /** Ends all processes inside, and waits for their end. Called again it does nothing. */
  std::function<Status(TakingAway&)> end_processes;
  /** Waits until everything that commands wrote is in its files. False when the time is over first. */
  std::function<bool(std::chrono::milliseconds)> end_flows;
  /** FreeBSD: the directory where the root is mounted. */
  std::string root{};
  /** The leases of its outputs, from OutputLease on. */
  std::vector<OutputLease*> leases{};

  /** Whether the root is sealed by this opening, so that commands can be launched. */
  [[nodiscard]] bool is_sealed() const { return is_rest || !plan.is_base; }
  /** Null for a bind that is no output. */
  [[nodiscard]] const OutputLease* lease_of(const Bind& bind) const {
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
};

/** EINVAL: the journal has a fact that no session of this version notes. */
inline SysError not_noted_by_us(const std::string& detail) {
  return {.step = "recover", .syscall = "read", .err = EINVAL, .detail = detail};
}

/** A kind of part that adds those of its parts that the plan asks for. */
template <class Kind, class SystemOpening>
concept PlannedKind = std::derived_from<Kind, Part> && requires(SystemOpening& opening, Parts& parts) {
  { Kind::add_planned(opening, parts) } -> std::same_as<void>;
};

/**
 * A kind of part that adds those of its parts that a dead session left, and touches nothing. `kFacts` is the name of
 * its facts in the journal; empty without facts of its own.
 */
template <class Kind, class SystemDeadSession>
concept LeftKind = std::derived_from<Kind, Part> && requires(SystemDeadSession& dead, Parts& parts) {
  { Kind::add_left(dead, parts) } -> std::same_as<Status>;
  { Kind::kFacts } -> std::convertible_to<std::string_view>;
};

/**
 * The kinds of parts of a system's sessions, in the order in which they are made: the one list for opening, closing and
 * recovery.
 */
template <class... Kinds>
struct PartList {
  /** The parts that a plan asks for. */
  template <class SystemOpening>
    requires(PlannedKind<Kinds, SystemOpening> && ...)
  static Parts planned(SystemOpening& opening) {
    Parts parts;
    (Kinds::add_planned(opening, parts), ...);
    return parts;
  }

  /** The parts that a dead session left. EINVAL for a fact that no kind has. */
  template <class SystemDeadSession>
    requires(LeftKind<Kinds, SystemDeadSession> && ...)
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

}  // namespace buildjail
