#include "linux/user_namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>

#include "base/tolerated.h"
#include "linux/child.h"
#include "linux/parts.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kMakeStep = "user-namespace";
constexpr const char* kLeaseStep = "ids";

/** The process in a namespace that is being mapped: a map is written through the /proc entry of a process in it. */
class Occupant {
 public:
  Occupant() : pid_(clone_idle(CLONE_NEWUSER, stack_)) {}
  Occupant& operator=(Occupant&&) = delete;
  ~Occupant() {
    if (pid_ < 0) return;
    static_cast<void>(::kill(pid_, SIGKILL));
    reap_clone(pid_);
  }

  [[nodiscard]] bool is_there() const noexcept { return pid_ >= 0; }
  [[nodiscard]] std::string path(const char* file) const { return "/proc/" + std::to_string(pid_) + "/" + file; }

 private:
  ChildStack stack_;
  pid_t pid_;
};

/** By default a user has 128 (/proc/sys/fs/inotify/max_user_instances, inotify(7)). */
// defence: inotify-instances-session-bounded
constexpr std::string_view kMostInotifyInstances = "32";
constexpr const char* kCountSettings = "/proc/sys/user";
constexpr const char* kInotifyInstances = "/proc/sys/user/max_inotify_instances";

/** How many are kept for later sessions: each takes kernel memory, and ids that no other program gets. */
constexpr std::size_t kMostUsed = 16;
/** And of the maps of owners of each. */
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

/** By a limit, by a container, or by a kernel without user namespaces (clone(2), ERRORS). */
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

Result<UniqueFd> make_user_namespace(const IdMap& map) {
  const Occupant occupant;
  if (!occupant.is_there()) return last_error(kMakeStep, "clone");
  for (const auto& [file, extents] : {std::pair("uid_map", &map.uids), std::pair("gid_map", &map.gids)}) {
    auto status = write_text_file(kMakeStep, occupant.path(file), map_text(*extents));
    if (!status) return std::move(status.error());
  }
  const std::string path = occupant.path("ns/user");
  UniqueFd descriptor = above_stdio(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  if (!descriptor) return last_error(kMakeStep, "open", path);
  return descriptor;
}

// The kernel takes the namespace of the process that opens the file.
void bound_shared_counts(InitCalls& calls) {
  // The session's own /proc may be read-only.
  const Tolerated tolerated("without write access to /proc/sys the session's user is not bounded");
  UniqueFd folder(::open(kCountSettings, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return;
  const Slot settings = calls.pass(std::move(folder));
  const CallSite site{.step = kMakeStep, .path = kInotifyInstances};
  calls.make(site, kCall_openat, {settings, "max_inotify_instances", O_WRONLY | O_CLOEXEC}).into(kOpened);
  calls.may_fail(kAnyError, 2);
  calls.make(site, kCall_write, {kOpened, kMostInotifyInstances, kMostInotifyInstances.size()}).may_fail(kAnyError);
  calls.make(site, kCall_close, {kOpened}).may_fail(kAnyError);
  calls.make(site, kCall_close, {settings}).may_fail(kAnyError);
}

BuildUser SessionIds::outside(const BuildUser& inside) const {
  if (are_leased()) return map.outside(inside);
  return are_callers() ? BuildUser{.uid = ::geteuid(), .gid = ::getegid(), .groups = {}} : inside;
}

Result<int> SessionIds::owner_map(const BuildUser& owner, const BuildUser& build) {
  UniqueFd& known = owner_maps[{owner.uid, owner.gid, build.uid, build.gid}];
  if (known) return known.get();
  auto made = make_user_namespace(map_one(owner, build.uid, build.gid));
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
  auto space = make_user_namespace(made.map);
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

// A program reads /etc/subuid and /etc/subgid once. It does not notice ids that an administrator gives to others later.
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
