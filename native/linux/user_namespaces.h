#pragma once

#include <array>
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
 * Makes a user namespace without a process in it, to be joined by setns(2). It belongs to `owner`, by default the
 * caller. Needs CAP_SETUID and CAP_SETGID to map several ids.
 */
Result<UniqueFd> make_user_namespace(const IdMap& map, std::optional<uid_t> owner = {});

/** The ids of the host that a session has; by default the caller's one id, or those of the host. */
struct SessionIds {
  /** Whether a range is leased, and its user namespace can be joined. */
  [[nodiscard]] bool are_leased() const noexcept { return static_cast<bool>(user_namespace); }
  /** Whether all of the session is the caller, in a user namespace that it makes. */
  [[nodiscard]] bool are_callers() const { return !are_leased() && has_callers_id_only(); }
  /** Whether there is no user namespace, so that an id inside is the same on the host. */
  [[nodiscard]] bool are_hosts() const { return !are_leased() && !has_callers_id_only(); }

  /** A user of the session in the numbering of the host. */
  [[nodiscard]] BuildUser outside(const BuildUser& inside) const;
  /**
   * The user namespace of a mount on which the files of `owner` belong to a build user, and the other way round
   * (mount_setattr(2), MOUNT_ATTR_IDMAP). Both are ids of the host. The other ids of the session are mapped too. It is
   * kept, because making one takes longer than the rest of a mount.
   */
  Result<int> owner_map(const BuildUser& owner, const BuildUser& build);

  /** For setns(2). */
  UniqueFd user_namespace{};
  IdMap map{};
  /** The size of the range. The range begins at this size times the number of its lease. */
  std::uint32_t size = 0;
  NumberedLease lease{};
  /** With a range of few ids: a lease that keeps sessions from the full range around it. */
  NumberedLease around{};
  /** No other session has had it, or will have it. */
  bool is_alone = false;
  /** By the ids of owner and build user. */
  std::map<std::array<std::uint32_t, 4>, UniqueFd> owner_maps{};
};

/**
 * The user namespaces of root's sessions. They are used again: all that is left in one when its session has ended is
 * its map, because no process inside may change more of it, and each count that the kernel keeps for an id goes back as
 * processes end. Keys stay (user-keyring(7)): a session that may leave some has its namespace alone.
 */
class UserNamespaces {
 public:
  UserNamespaces() = default;
  /** Gives back the ranges that no session uses. */
  ~UserNamespaces();
  UserNamespaces& operator=(UserNamespaces&&) = delete;

  /**
   * Leases a range that no other session has. The result has none if this process can have none. That is an error for a
   * build that is root, and if an earlier session got one. EBUSY if all ranges are leased.
   */
  Result<SessionIds> take(const EnvelopePlan& plan, const Lessee& lessee);
  /** To be called after everything of the session is gone. Empties `used`; does nothing if no range is leased. */
  Status give_back(SessionIds& used);

 private:
  Result<std::optional<IdRanges>> ranges_of(const std::optional<IdsNamed>& named);
  SessionIds take_used(const IdRanges& ranges, const BuildUser& user);
  Result<SessionIds> none(const EnvelopePlan& plan, SysError why);

  std::mutex mutex_;
  /** By the named ids; 0 and 0 if none are named. */
  std::map<std::pair<std::uint32_t, std::uint32_t>, IdRanges> ranges_;
  std::vector<SessionIds> used_;
  bool had_one_ = false;
};

/** The ids of a session, which own everything that comes after them. */
class IdsPart final : public Part {
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
