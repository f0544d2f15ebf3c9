#include "linux/user_namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <memory>
#include <string>

#include "base/tolerated.h"
#include "linux/child.h"
#include "linux/parts.h"
#include "linux/privileges.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kMakeStep = "user-namespace";
constexpr const char* kLeaseStep = "ids";

/** The path of a file of a process, which a child that shares our memory may make (proc(5)). */
class ProcessFile {
 public:
  explicit ProcessFile(std::string_view name) noexcept : name_(name) {}
  const char* of(pid_t pid) noexcept {
    char* at = std::ranges::copy(std::string_view("/proc/"), text_.begin()).out;
    at = std::to_chars(at, text_.end(), pid).ptr;
    *std::ranges::copy(name_, at).out = '\0';
    return text_.data();
  }

 private:
  std::string_view name_;
  std::array<char, 40> text_{};
};

/** What a child that shares our memory needs to make a user namespace, and the namespace that it made. */
struct Making {
  ChildStack stack{};
  std::optional<uid_t> owner;
  std::string uids, gids;
  ProcessFile uid_map{"/uid_map"}, gid_map{"/gid_map"}, user_namespace{"/ns/user"};
  UniqueFd made{};
};

bool map_occupied(pid_t occupant, Making& making, Stopped& stopped) {
  if (!write_file(kMakeStep, making.uid_map.of(occupant), making.uids, stopped)) return false;
  if (!write_file(kMakeStep, making.gid_map.of(occupant), making.gids, stopped)) return false;
  const char* const path = making.user_namespace.of(occupant);
  making.made.reset(::open(path, O_RDONLY | O_CLOEXEC));
  return making.made || stopped.at(kMakeStep, "open", path);
}

/** Takes an effective user id, and keeps all capabilities. By number, as the C library would change all threads. */
bool act_as(uid_t user, Stopped& stopped) {
  constexpr uid_t kSame = -1;
  const int dumpable = ::prctl(PR_GET_DUMPABLE);
  if (::syscall(SYS_setresuid, kSame, user, kSame) != 0) return stopped.at(kMakeStep, "setresuid");
  // A change of the user id can take this flag from the whole host program, whose memory it is
  // (PR_SET_DUMPABLE(2const)).
  if (dumpable == 1 && stopped.failed(kMakeStep, "prctl", ::prctl(PR_SET_DUMPABLE, 1))) return false;
  return raise_capabilities(stopped);
}

/**
 * The child. The map is written through the /proc entry of another process in the namespace (user_namespaces(7)): the
 * child makes one for that time.
 */
bool make_mapped(Making& making, Stopped& stopped) {
  // defence: counts-of-session-apart
  if (making.owner && !act_as(*making.owner, stopped)) return false;
  const pid_t occupant = clone_idle(CLONE_NEWUSER, making.stack);
  if (occupant < 0) return stopped.at(kMakeStep, "clone");
  const bool is_made = map_occupied(occupant, making, stopped);
  static_cast<void>(::kill(occupant, SIGKILL));
  reap_clone(occupant);
  return is_made;
}

/** The number of namespaces kept for later sessions. Each takes kernel memory, and ids that no other program gets. */
constexpr std::size_t kMostUsed = 16;
/** The number of maps of owners kept with each. */
constexpr std::size_t kMostOwners = 2;

/**
 * The leases of ranges, by the numbers of these: their files are `ids-<number>` or `few-ids-<number>`. No other
 * program's session has a range that overlaps a leased one.
 */
NumberedThings leased_ranges(const IdRanges& ranges) {
  return {.step = kLeaseStep,
          .name = ranges.size == IdRanges::kFull ? "ids" : "few-ids",
          .plural = "ranges of ids",
          .first = ranges.first,
          .count = ranges.count};
}

/**
 * The other ids of a range stay as they are. Without them, a build that gives a file away, as cp(1) tries, would get
 * EOVERFLOW and not EPERM.
 */
void add_others(const IdExtent& range, std::uint32_t one, std::uint32_t other, std::vector<IdExtent>& map) {
  const std::uint32_t end = range.inside + range.count;
  std::uint32_t first = range.inside;
  for (const std::uint32_t left_out : {std::min(one, other), std::max(one, other), end}) {
    if (left_out < first || left_out > end) continue;
    if (left_out > first) map.push_back({.inside = first, .outside = first, .count = left_out - first});
    first = left_out + 1;
  }
}

/** A limit, a container, or a kernel without user namespaces refuses them (clone(2), ERRORS). */
bool is_refused(int err) { return err == EPERM || err == EACCES || err == ENOSPC || err == EUSERS || err == EINVAL; }

SysError no_ids() {
  return {.step = kLeaseStep,
          .syscall = "open",
          .err = ENOSPC,
          .path = "/proc/self/uid_map",
          .detail =
              "too few ids are mapped where this process is, or all of them are given to others by /etc/subuid "
              "and /etc/subgid"};
}

SysError root_refused(const SysError& why) {
  return {.step = "user-namespace",
          .syscall = why.syscall,
          .err = why.err,
          .detail = "a build is root inside only in a user namespace, and there can be none here: " + why.syscall +
                    " '" + why.path + "', " + errno_name(why.err)};
}

}  // namespace

Result<UniqueFd> make_user_namespace(const IdMap& map, std::optional<uid_t> owner) {
  Making making{.owner = owner, .uids = map_text(map.uids), .gids = map_text(map.gids)};
  // The descriptor is ours too, by CLONE_FILES.
  const auto make = [&making](Stopped& stopped) { return make_mapped(making, stopped); };
  if (auto status = run_in_child(kMakeStep, CLONE_FILES, make); !status) return std::move(status.error());
  UniqueFd descriptor = above_stdio(std::move(making.made));
  if (!descriptor) return last_error(kMakeStep, "fcntl");
  return descriptor;
}

BuildUser SessionIds::outside(const BuildUser& inside) const {
  if (are_leased()) return map.outside(inside);
  return are_callers() ? BuildUser{.uid = ::geteuid(), .gid = ::getegid(), .groups = {}} : inside;
}

Result<int> SessionIds::owner_map(const BuildUser& owner, const BuildUser& build) {
  UniqueFd& known = owner_maps[{owner.uid, owner.gid, build.uid, build.gid}];
  if (known) return known.get();
  const IdExtent range{.inside = lease.number() * size, .outside = lease.number() * size, .count = size};
  IdMap both = map_one(owner, build.uid, build.gid);
  add_others(range, owner.uid, build.uid, both.uids);
  add_others(range, owner.gid, build.gid, both.gids);
  auto made = make_user_namespace(both);
  if (!made) return std::move(made.error());
  known = std::move(*made);
  return known.get();
}

UserNamespaces::~UserNamespaces() {
  for (SessionIds& used : used_) {
    static_cast<void>(used.around.give_back());
    static_cast<void>(used.lease.give_back());
  }
}

Result<SessionIds> UserNamespaces::take(const EnvelopePlan& plan, const Lessee& lessee) {
  const auto ranges = ranges_of(plan.ids);
  if (!ranges) return ranges.error();
  if (!*ranges) return none(plan, no_ids());
  // A user's keys stay in its namespace (user-keyring(7)).
  const bool is_alone = plan.allowed.has(Allowance::kKeyring);
  if (!is_alone) {
    SessionIds used = take_used(**ranges, plan.user);
    if (used.are_leased()) {
      auto status = used.lease.pass_to(kLeaseStep, lessee.session);
      if (status) return used;
      const std::lock_guard lock(mutex_);
      used_.push_back(std::move(used));
      return std::move(status.error());
    }
  }
  SessionIds made{.size = (*ranges)->size, .is_alone = is_alone};
  auto lease = NumberedLease::take(leased_ranges(**ranges), lessee);
  if (!lease) return std::move(lease.error());
  made.lease = std::move(*lease);
  const auto refused = [&made](SysError error) {
    static_cast<void>(made.lease.give_back());
    static_cast<void>(made.around.give_back());
    return error;
  };
  if (made.size != IdRanges::kFull) {
    auto around = NumberedLease::share(leased_ranges({.size = IdRanges::kFull}),
                                       IdRanges::full_around(made.lease.number()), lessee);
    if (!around) return refused(std::move(around.error()));
    made.around = std::move(*around);
  }
  // defence: no-id-host-own
  made.map = map_onto(**ranges, made.lease.number(), plan.user);
  // The kernel counts a user of the namespace for its owner outside too. The owner is an id that no program of the host
  // has, and not the host's root (namespaces(7), /proc/sys/user; setrlimit(2)).
  auto space = make_user_namespace(made.map, made.lease.number() * made.size);
  if (!space) {
    auto error = refused(std::move(space.error()));
    if (!is_refused(error.err)) return error;
    return none(plan, std::move(error));
  }
  made.user_namespace = std::move(*space);
  const std::lock_guard lock(mutex_);
  had_one_ = true;
  return made;
}

Status UserNamespaces::give_back(SessionIds& used) {
  if (!used.are_leased()) return {};
  const std::lock_guard lock(mutex_);
  if (used.is_alone || used_.size() == kMostUsed) {
    if (auto status = used.around.give_back(); !status) return status;
    if (auto status = used.lease.give_back(); !status) return status;
    used = {};
    return {};
  }
  if (auto status = used.lease.pass_to(kLeaseStep, std::nullopt); !status) return status;
  if (used.owner_maps.size() > kMostOwners) used.owner_maps.clear();
  used_.push_back(std::exchange(used, {}));
  return {};
}

// A program reads /etc/subuid and /etc/subgid once, and does not notice later changes by an administrator.
Result<std::optional<IdRanges>> UserNamespaces::ranges_of(const std::optional<IdsNamed>& named) {
  const auto key = named ? std::pair(named->first, named->count) : std::pair(0U, 0U);
  const std::lock_guard lock(mutex_);
  if (const auto known = ranges_.find(key); known != ranges_.end()) return std::optional(known->second);
  auto found = find_id_ranges(named);
  if (found && *found) ranges_.emplace(key, **found);
  return found;
}

SessionIds UserNamespaces::take_used(const IdRanges& ranges, const BuildUser& user) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(used_, [&](const SessionIds& one) {
    if (one.size != ranges.size || one.lease.number() < ranges.first) return false;
    if (one.lease.number() - ranges.first >= ranges.count) return false;
    const IdMap wanted = map_onto(ranges, one.lease.number(), user);
    return one.map.uids == wanted.uids && one.map.gids == wanted.gids;
  });
  if (found == used_.end()) return {};
  SessionIds taken = std::move(*found);
  used_.erase(found);
  return taken;
}

Result<SessionIds> UserNamespaces::none(const EnvelopePlan& plan, SysError why) {
  const std::lock_guard lock(mutex_);
  if (had_one_) return why;
  // defence: root-inside-nobody-outside
  if (plan.user.uid == 0) return root_refused(why);
  return SessionIds{};
}

void IdsPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (!opening.is_rest && !has_callers_id_only()) parts.push_back(std::make_unique<IdsPart>(opening));
}

std::string_view IdsPart::step() const { return opening_.ids.are_leased() ? kLeaseStep : ""; }

Status IdsPart::make(Trace&) {
  auto taken = opening_.host.user_namespaces.take(opening_.plan, opening_.lessee);
  if (!taken) return std::move(taken.error());
  // defence: root-inside-nobody-outside-2
  opening_.ids = std::move(*taken);
  return {};
}

Status IdsPart::take_away(TakingAway&) { return opening_.host.user_namespaces.give_back(opening_.ids); }

}  // namespace buildjail
