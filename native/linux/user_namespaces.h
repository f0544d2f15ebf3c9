#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "linux/ids.h"
#include "plan/plan.h"
#include "state/lease.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * Makes a user namespace without a process in it, to be joined by setns(2). It belongs to the caller, so the kernel
 * gives a process that joins it no more privileges than before. Needs CAP_SETUID and CAP_SETGID to map several ids.
 */
Result<UniqueFd> make_user_namespace(const IdMap& map);

/**
 * For a child that is in the user namespace of a session: bounds what the session takes of the counts that all
 * processes of one user share (namespaces(7), /proc/sys/user). `settings` is that directory of the host; the kernel
 * takes the namespace of the process that opens a file in it. Most containers may not write to it, and then nothing is
 * bounded.
 */
void bound_shared_counts(int settings);
inline constexpr const char* kCountSettings = "/proc/sys/user";

/** A user namespace that one session has, and with it a range of the host's ids. */
struct UserNamespace {
  explicit operator bool() const noexcept { return static_cast<bool>(descriptor); }
  /** Every id of the host that the session has. */
  [[nodiscard]] IdRange range() const noexcept { return {.first = lease.number() * size, .size = size}; }

  /** For setns(2); empty if the session has no such namespace. */
  UniqueFd descriptor{};
  IdMap map{};
  /** The size of the range, which begins at this times the number of its lease. */
  std::uint32_t size = 0;
  NumberedLease lease{};
  /** Of a range of few ids: a lease by which no session gets the full range around it. */
  NumberedLease around{};
  /** No other session has had it, or will. */
  bool is_alone = false;
  /** No session was in it yet. */
  bool is_new = true;
};

/** The ids of the host that a session has. */
class SessionIds {
 public:
  /** Nothing is leased: the session has the caller's one id (are_callers), or the ids of the host (are_hosts). */
  SessionIds() = default;
  explicit SessionIds(UserNamespace leased) : leased_(std::move(leased)) {}

  /** A range is leased, and its user namespace is there to be joined. */
  [[nodiscard]] bool are_leased() const noexcept { return static_cast<bool>(leased_); }
  /** All of the session is the caller, in a user namespace that it makes. */
  [[nodiscard]] bool are_callers() const { return !are_leased() && has_callers_id_only(); }
  /** There is no user namespace: an id inside is the same on the host. */
  [[nodiscard]] bool are_hosts() const { return !are_leased() && !has_callers_id_only(); }

  /** A user of the session in the numbering of the host. */
  [[nodiscard]] BuildUser outside(const BuildUser& inside) const;
  [[nodiscard]] const UserNamespace& leased() const noexcept { return leased_; }
  [[nodiscard]] UserNamespace& leased() noexcept { return leased_; }

 private:
  UserNamespace leased_{};
};

/** The leases of ranges; no other program's session has a range that overlaps a leased one. */
NumberedThings leased_ranges(const IdRanges& ranges);

/**
 * The user namespaces of root's sessions. They are used again: all that is left in one when its session has ended is
 * its map, because no process inside may change more of it, and each count that the kernel keeps for an id goes back as
 * processes end. Keys stay (user-keyring(7)): a session that may leave some has its namespace alone.
 */
class UserNamespaces {
 public:
  UserNamespaces() = default;
  /** Gives back the ranges that no session has. */
  ~UserNamespaces();
  UserNamespaces& operator=(UserNamespaces&&) = delete;

  enum class Sharing : std::uint8_t { kWithLaterSessions, kAlone };

  /**
   * One that no other session has. Empty if this process can have none; `why_none` then says why. If an earlier session
   * got one, having none is an error; EBUSY if all ranges are leased.
   */
  Result<UserNamespace> take(const EnvelopePlan& plan, const Lessee& lessee, Sharing sharing);
  /** After all of the session is gone. Empties `used`; does nothing if that is empty. */
  Status give_back(UserNamespace& used);
  [[nodiscard]] std::optional<SysError> why_none();

 private:
  Result<std::optional<IdRanges>> ranges_of(const std::optional<IdsNamed>& named);
  UserNamespace take_used(const IdRanges& ranges, const BuildUser& user);
  Result<UserNamespace> none(SysError why);

  std::mutex mutex_;
  /** By the named ids; 0 and 0 without any. */
  std::map<std::pair<std::uint32_t, std::uint32_t>, IdRanges> ranges_;
  std::vector<UserNamespace> used_;
  bool had_one_ = false;
  std::optional<SysError> why_none_;
};

/** The ids of a session, which own everything that comes after them. */
class IdsPart final : public PassingPart {
 public:
  explicit IdsPart(const NamespaceOpening& opening) : opening_(opening) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts);

  [[nodiscard]] std::string_view step() const override;
  Status make(Trace& trace) override;
  Status take_away(TakingAway&) override;

 private:
  const NamespaceOpening& opening_;
};

}  // namespace buildjail
