#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/id_map.h"
#include "linux/id_ranges.h"
#include "plan/plan.h"
#include "state/lease.h"

namespace buildjail {

/** A user namespace that one session has, and with it a range of the host's ids. */
struct UserSpace {
  explicit operator bool() const noexcept { return static_cast<bool>(space); }
  /** Every id outside that the session has. */
  [[nodiscard]] IdRange range() const noexcept { return {.first = lease.number() * size, .size = size}; }

  /** To enter it by (setns(2)); empty where there are none to be had. */
  UniqueFd space{};
  IdMap map{};
  /** The size of a range, which with the number of its lease says which it is. */
  std::uint32_t size = 0;
  NumberedLease lease{};
  /** Of a range of few ids: that no session has all ids around it. */
  NumberedLease around{};
  /** No session before or after this one has it. */
  bool is_alone = false;
  /** No session was ever in it. */
  bool is_new = true;
};

/** Of the leases of ranges; no other program's session has one that overlaps. */
NumberedThings leased_ranges(const IdRanges& ranges);

/**
 * The user namespaces of root's sessions. They are made while nobody waits for more than one, and used again: what is
 * in them when a session has ended is nothing but their map, as nobody inside may change more of them, and each count
 * that the kernel keeps for an id goes back as processes end. Keys stay (user-keyring(7)): a session that may have some
 * has its namespace alone.
 */
class UserSpaces {
 public:
  UserSpaces() = default;
  /** Gives back the ranges that no session has; a program that ends leaves no lease of them. */
  ~UserSpaces();
  UserSpaces(const UserSpaces&) = delete;
  UserSpaces& operator=(const UserSpaces&) = delete;
  UserSpaces(UserSpaces&&) = delete;
  UserSpaces& operator=(UserSpaces&&) = delete;

  enum class Sharing : std::uint8_t { kWithLaterSessions, kAlone };

  /**
   * One that no other session has. Empty where this host has none for this process; then `why_none` says why. What one
   * session got no later one does without: that is an error, and EBUSY where all ranges are leased.
   */
  Result<UserSpace> take(const EnvelopePlan& plan, const Lessee& lessee, Sharing sharing);
  /** After everything of the session is gone. `used` is empty then; again: nothing to do. */
  Status give_back(UserSpace& used);
  [[nodiscard]] std::optional<SysError> why_none();

 private:
  Result<std::optional<IdRanges>> ranges_of(const std::optional<IdsNamed>& named);
  UserSpace take_used(const IdRanges& ranges, const BuildUser& user);
  Result<UserSpace> none(SysError why);

  std::mutex mutex_;
  /** By what was named; 0 and 0 where nothing was. */
  std::map<std::pair<std::uint32_t, std::uint32_t>, IdRanges> ranges_;
  std::vector<UserSpace> used_;
  bool were_had_ = false;
  std::optional<SysError> why_none_;
};

}  // namespace buildjail
