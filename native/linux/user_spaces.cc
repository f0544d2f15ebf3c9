#include "linux/user_spaces.h"

#include <algorithm>
#include <cerrno>

#include "linux/user_space.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "ids";
/** Each is some kernel memory, and ids that no other program has. */
constexpr std::size_t kMostUsed = 16;

/** What the names of the leases of ranges of that size begin with. */
const char* ids_lease_name(std::uint32_t size) { return size == IdRanges::kFull ? "ids" : "few-ids"; }

/** Whose number is that of the range of the full size. */
NumberedThings ranges_around() {
  return {.step = kStep, .name = ids_lease_name(IdRanges::kFull), .plural = "ranges of ids", .first = 0, .count = 0};
}

/** By a limit, by the rights of a container, or by a kernel that knows none (clone(2), ERRORS). */
bool is_refused(int err) { return err == EPERM || err == EACCES || err == ENOSPC || err == EUSERS || err == EINVAL; }

SysError no_ids() {
  return {.step = kStep,
          .syscall = "open",
          .err = ENOSPC,
          .path = "/proc/self/uid_map",
          .dest = {},
          .detail =
              "too few ids are mapped where this process is, or all of them are given to others by /etc/subuid "
              "and /etc/subgid"};
}

}  // namespace

NumberedThings leased_ranges(const IdRanges& ranges) {
  NumberedThings things = ranges_around();
  things.name = ids_lease_name(ranges.size);
  things.first = ranges.first;
  things.count = ranges.count;
  return things;
}

UserSpaces::~UserSpaces() {
  for (UserSpace& used : used_) {
    static_cast<void>(used.around.give_back());
    static_cast<void>(used.lease.give_back());
  }
}

Result<UserSpace> UserSpaces::take(const EnvelopePlan& plan, const Lessee& lessee, Sharing sharing) {
  const auto ranges = ranges_of(plan.ids);
  if (!ranges) return ranges.error();
  if (!*ranges) return none(no_ids());
  if (sharing == Sharing::kWithLaterSessions) {
    if (UserSpace used = take_used(**ranges, plan.user)) {
      auto status = used.lease.pass_to(kStep, lessee.session);
      if (status) return used;
      const std::lock_guard lock(mutex_);
      used_.push_back(std::move(used));
      return std::move(status.error());
    }
  }
  UserSpace made{.size = (*ranges)->size, .is_alone = sharing == Sharing::kAlone};
  auto lease = NumberedLease::take(leased_ranges(**ranges), lessee);
  if (!lease) return std::move(lease.error());
  made.lease = std::move(*lease);
  const auto refused = [&made](SysError error) {
    static_cast<void>(made.lease.give_back());
    static_cast<void>(made.around.give_back());
    return error;
  };
  if (made.size != IdRanges::kFull) {
    auto around = NumberedLease::share(ranges_around(), IdRanges::full_around(made.lease.number()), lessee);
    if (!around) return refused(std::move(around.error()));
    made.around = std::move(*around);
  }
  // defence: no-id-host-own
  made.map = map_onto((*ranges)->range(made.lease.number()), plan.user);
  auto space = make_user_space(made.map);
  if (!space) {
    auto error = refused(std::move(space.error()));
    if (!is_refused(error.err)) return error;
    return none(std::move(error));
  }
  made.space = std::move(*space);
  const std::lock_guard lock(mutex_);
  were_had_ = true;
  why_none_.reset();
  return made;
}

Status UserSpaces::give_back(UserSpace& used) {
  if (!used) return {};
  const std::lock_guard lock(mutex_);
  if (used.is_alone || used_.size() == kMostUsed) {
    if (auto status = used.around.give_back(); !status) return status;
    if (auto status = used.lease.give_back(); !status) return status;
    used = {};
    return {};
  }
  if (auto status = used.lease.pass_to(kStep, std::nullopt); !status) return status;
  used_.push_back(std::exchange(used, {}));
  return {};
}

std::optional<SysError> UserSpaces::why_none() {
  const std::lock_guard lock(mutex_);
  return why_none_;
}

// Read once: what is given to others later was leased by then, or is far from it.
Result<std::optional<IdRanges>> UserSpaces::ranges_of(const std::optional<IdsNamed>& named) {
  const auto key = named ? std::pair(named->first, named->count) : std::pair(0U, 0U);
  const std::lock_guard lock(mutex_);
  if (const auto known = ranges_.find(key); known != ranges_.end()) return std::optional(known->second);
  auto found = find_id_ranges(named);
  if (found && *found) ranges_.emplace(key, **found);
  return found;
}

UserSpace UserSpaces::take_used(const IdRanges& ranges, const BuildUser& user) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(used_, [&](const UserSpace& one) {
    if (one.size != ranges.size || one.lease.number() < ranges.first) return false;
    if (one.lease.number() - ranges.first >= ranges.count) return false;
    const IdMap wanted = map_onto(ranges.range(one.lease.number()), user);
    return one.map.uids == wanted.uids && one.map.gids == wanted.gids;
  });
  if (found == used_.end()) return {};
  UserSpace taken = std::move(*found);
  used_.erase(found);
  return taken;
}

Result<UserSpace> UserSpaces::none(SysError why) {
  const std::lock_guard lock(mutex_);
  if (were_had_) return why;
  why_none_ = std::move(why);
  return UserSpace{};
}

}  // namespace buildjail
