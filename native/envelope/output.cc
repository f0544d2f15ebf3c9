#include "envelope/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/back_off.h"
#include "plan/planned_source.h"
#include "state/locked_file.h"
#include "state/output_lease.h"

namespace buildjail {

namespace {

constexpr const char* kHandBack = "hand-back";
/** What outlives the owner of an output ends with it (linux/init/init.c). */
constexpr std::chrono::milliseconds kOutlivingBound{5000};

Status remove_lease(const std::string& lease) {
  if (::unlink(lease.c_str()) != 0 && errno != ENOENT) return last_error(kHandBack, "unlink", lease);
  return {};
}

}  // namespace

OutputLease::OutputLease(const std::string& state_directory, std::string id, const Bind& bind, Recovery recovery)
    : bind_(bind),
      id_(std::move(id)),
      lease_(lease_of(state_directory, bind.dev, bind.ino)),
      recovery_(std::move(recovery)) {}

Status OutputLease::make(Trace&) {
  auto directory = pin_source(bind_);
  if (!directory) return std::move(directory.error());
  directory_ = std::move(*directory);
  auto lock = lock_lease(lease_, bind_.source, recovery_);
  if (!lock) return std::move(lock.error());
  lock_ = std::move(*lock);
  if (auto status = sign_lease(lease_, lock_, id_); !status) return status;
  // Not before it is ours: a session that had it may have been handing it back.
  struct stat found{};
  if (::fstat(directory_.get(), &found) != 0) return last_error("hand-over", "fstat", bind_.source);
  before_ = lent_output(bind_.source, found);
  return {};
}

Status OutputLease::take_away(TakingAway&) {
  if (!lock_) return {};
  if (auto status = remove_lease(lease_); !status) return status;
  lock_.reset();
  return {};
}

std::vector<Fact> LentDirectory::facts() const {
  return lease_.before() ? std::vector{lent_fact(*lease_.before(), user_.uid)} : std::vector<Fact>();
}

Status LentDirectory::make(Trace&) {
  is_lent_ = true;
  const LentOutput& before = *lease_.before();
  // Root writes anywhere, and an owner can write already.
  if (keeps_owner_ || user_.uid == 0 || before.uid == user_.uid) return {};
  if (::fchown(lease_.directory(), user_.uid, user_.gid) != 0) return last_error({}, "fchown", before.path);
  return {};
}

Status LentDirectory::take_away(TakingAway& taking) {
  if (!is_lent_) return {};
  const LentOutput& before = *lease_.before();
  if (auto status = restore(lease_.directory(), before); !status) return status;
  taking.trace.mark(kHandBack, before.path);
  is_lent_ = false;
  return {};
}

OutputLeftLent::OutputLeftLent(NotedOutput noted, const std::string& state_directory, std::string id)
    : noted_(std::move(noted)),
      lease_(lease_of(state_directory, noted_.before.dev, noted_.before.ino)),
      id_(std::move(id)) {}

Status OutputLeftLent::take_away(TakingAway& taking) {
  const auto lock_it = [this] { return lock_file(kHandBack, lease_, O_RDWR); };
  BackOff back_off(kOutlivingBound);
  auto lock = lock_it();
  while (!lock && lock.error().err == EWOULDBLOCK) {
    // Where it was handed back, but something else of the session stayed, it may be another session's by now.
    const auto holder = holder_of(lease_);
    if (holder && !holder->empty() && *holder != id_) return {};
    if (!back_off.wait()) break;
    lock = lock_it();
  }
  if (!lock && lock.error().err != ENOENT) return std::move(lock.error());
  const auto done = hand_back(noted_.before, noted_.build_user);
  if (!done) return done.error();
  if (*done == HandBack::kDone) taking.trace.mark(kHandBack, noted_.before.path);
  if (*done == HandBack::kLost) taking.trace.mark("lost", noted_.before.path);
  return lock ? remove_lease(lease_) : Status();
}

}  // namespace buildjail
