#include "envelope/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/back_off.h"
#include "plan/planned_source.h"
#include "state/lease.h"
#include "state/lent_output.h"
#include "state/locked_file.h"

namespace buildjail {

namespace {

constexpr const char* kHandBack = "hand-back";
/** Init may live for a moment longer than its session's owner, and has the lock until then (linux/init/init.c). */
constexpr std::chrono::milliseconds kOutlivingBound{5000};

/** A build that is root can give a file to anybody. */
BuildIds ids_of(const LentAs& as) {
  if (as.ids) return *as.ids;
  if (as.user.uid == 0 && !as.keeps_owner) return {.first = 0, .count = std::uint64_t{1} << 32U, .are_shared = true};
  return {.first = as.user.uid, .count = 1, .are_shared = true};
}

Status remove_lease(const std::string& lease) {
  if (::unlink(lease.c_str()) != 0 && errno != ENOENT) return last_error(kHandBack, "unlink", lease);
  return {};
}

}  // namespace

OutputLease::OutputLease(const Lessee& lessee, const Bind& bind)
    // defence: leases-host-not-state
    : lessee_(lessee), bind_(bind), lease_(lease_of(lessee.host_directory, bind.dev, bind.ino)) {}

Status OutputLease::make(Trace&) {
  auto directory = pin_source(bind_);
  if (!directory) return std::move(directory.error());
  directory_ = std::move(*directory);
  const Leased leased{.step = "output-lease", .subject = bind_.source};
  auto lock = lock_lease(leased, lease_, lessee_);
  if (!lock) return std::move(lock.error());
  lock_ = std::move(*lock);
  if (auto status = sign_lease(leased, lease_, lock_, lessee_.session); !status) return status;
  // Only now, as the session that had it before may have been handing it back.
  auto before = lent_output(bind_.source, directory_.get());
  if (!before) return std::move(before.error());
  before_ = std::move(*before);
  return {};
}

Status OutputLease::take_away(TakingAway&) {
  if (!lock_) return {};
  if (auto status = remove_lease(lease_); !status) return status;
  lock_.reset();
  return {};
}

std::vector<Fact> LentDirectory::facts() const {
  if (!lease_.before()) return {};
  const auto [before, lending] = noted();
  return {lent_fact(before, lending)};
}

NotedOutput LentDirectory::noted() const {
  const bool gives_back = !as_.is_left_as_built;
  return {.before = *lease_.before(),
          .lending = {.ids = ids_of(as_),
                      .gives_owner = gives_back && !as_.keeps_owner,
                      .takes_marks = gives_back && as_.lets_mark,
                      .is_store = lease_.bind().is_store}};
}

// While it is lent it is shut to all others of the host: what the build makes set-uid is nothing for them to execute.
Status LentDirectory::make(Trace&) {
  is_lent_ = true;
  const LentOutput& before = *lease_.before();
  if (as_.keeps_owner) return {};
  const int directory = lease_.directory();
  if (lease_.bind().is_store) return lend_store();
  const bool is_other = before.uid != as_.user.uid || before.gid != as_.user.gid;
  if (is_other && ::fchown(directory, as_.user.uid, as_.user.gid) != 0) return last_error({}, "fchown", before.path);
  const mode_t shut = (before.mode & ~mode_t{S_IRWXG | S_IRWXO}) | S_IRWXU;
  // defence: output-shut-others-host
  if (shut != before.mode && ::fchmod(directory, shut) != 0) return last_error({}, "fchmod", before.path);
  // Only now, when nobody but the build and root gets in. Root writes anywhere.
  const auto [noted, lending] = this->noted();
  if (!lending.gives_owner || lending.ids.contains(before.uid)) return {};
  auto status = hand_over_tree(directory, noted, as_.user.uid, as_.user.gid);
  if (!status) status.error().step.clear();
  return status;
}

// What is in it stays whose it is. It belongs to us and not to the build, whom the sticky bit would not keep from
// removing what others have there (unlink(2), sticky(7)).
Status LentDirectory::lend_store() const {
  const LentOutput& before = *lease_.before();
  const int directory = lease_.directory();
  // defence: store-keeps-build-did
  const uid_t owner = ::geteuid();
  const bool is_other = before.uid != owner || before.gid != as_.user.gid;
  if (is_other && ::fchown(directory, owner, as_.user.gid) != 0) return last_error({}, "fchown", before.path);
  if (before.mode != kStoreMode && ::fchmod(directory, kStoreMode) != 0) return last_error({}, "fchmod", before.path);
  return {};
}

Status LentDirectory::take_away(TakingAway& taking) {
  if (!is_lent_) return {};
  std::size_t changed = 0;
  const NotedOutput noted = this->noted();
  if (auto status = restore(lease_.directory(), noted, taking.left_in_outputs, changed); !status) return status;
  taking.trace.mark(kHandBack, noted.before.path);
  is_lent_ = false;
  return {};
}

Result<bool> LeaseLeft::lock() {
  const auto lock_it = [this] { return lock_file(kHandBack, lease_, O_RDWR); };
  BackOff back_off(kOutlivingBound);
  auto lock = lock_it();
  while (!lock && lock.error().err == EWOULDBLOCK) {
    // Where something else of the dead session stayed, the output was handed back before. Another session may have it.
    const auto holder = holding_of(kHandBack, lease_);
    if (holder && *holder && **holder != dead_) return false;
    if (!back_off.wait()) break;
    lock = lock_it();
  }
  if (!lock && lock.error().err != ENOENT) return std::move(lock.error());
  if (lock) lock_ = std::move(*lock);
  return true;
}

Status LeaseLeft::take_away(TakingAway&) { return lock_ ? remove_lease(lease_) : Status(); }

Status OutputLeftLent::take_away(TakingAway& taking) {
  const auto is_its = lease_.lock();
  if (!is_its) return is_its.error();
  if (!*is_its) return {};
  const auto done = hand_back(noted_, taking.left_in_outputs);
  if (!done) return done.error();
  if (*done == HandBack::kDone) taking.trace.mark(kHandBack, noted_.before.path);
  if (*done == HandBack::kLost) taking.trace.mark("lost", noted_.before.path);
  return {};
}

}  // namespace buildjail
