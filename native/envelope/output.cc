#include "envelope/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>

#include "base/back_off.h"
#include "base/text.h"
#include "envelope/mount_points.h"
#include "envelope/part_list.h"
#include "state/files.h"
#include "state/hand_over.h"

namespace buildjail {

namespace {

/** Init may outlive the owner of its session for a moment, and holds the lock until then (linux/init/init.c). */
constexpr std::chrono::milliseconds kOutlivingBound{5000};

/** A build that is root can give a file to anybody. */
BuildIds ids_of(const LentAs& as) {
  if (as.ids) return *as.ids;
  if (as.user.uid == 0 && !as.keeps_owner)
    return {.first = 0, .count = std::uint64_t{1} << 32U, .gid = as.user.gid, .are_shared = true};
  return {.first = as.user.uid, .count = 1, .gid = as.user.gid, .are_shared = true};
}

}  // namespace

OutputLease::OutputLease(const Lessee& lessee, const Bind& bind)
    // defence: leases-host-not-state
    : file_(output_lease_file(lessee.host_directory, bind.dev, bind.ino)),
      holder_(lessee.session),
      lessee_(&lessee),
      bind_(&bind) {}

void OutputLease::add_planned(Opening& opening, Parts& parts) {
  for (const Bind* const bind : binds_of(opening.steps)) {
    if (!bind->is_writable) continue;
    auto lease = std::make_unique<OutputLease>(opening.lessee, *bind);
    opening.leases.push_back(lease.get());
    parts.push_back(std::move(lease));
  }
}

Status OutputLease::add_left(DeadSession& dead, Parts& parts) {
  const auto add = [&dead, &parts](std::uint64_t dev, std::uint64_t ino) {
    OutputLease*& known = dead.leases[{dev, ino}];
    if (known != nullptr) return;
    auto lease = std::make_unique<OutputLease>(output_lease_file(dead.entry.host_directory, dev, ino), dead.holder());
    known = lease.get();
    parts.push_back(std::move(lease));
  };
  for (const Fact& fact : dead.entry.facts) {
    if (fact.part == LentDirectory::kFacts) {
      const auto noted = noted_output(fact);
      if (!noted) return not_noted_by_us("it has a fact of an output that no session of this version notes");
      add(noted->before.dev, noted->before.ino);
    }
    if (fact.part == MountPoints::kFacts) {
      const auto noted = noted_point(fact);
      if (!noted) return not_noted_by_us("it has a fact of a mount point that no session of this version notes");
      add(noted->folder.dev, noted->folder.ino);
    }
  }
  return {};
}

Status OutputLease::make(Trace&) {
  auto directory = pin_source(*bind_);
  if (!directory) return std::move(directory.error());
  directory_ = std::move(*directory);
  constexpr const char* kLease = "output-lease";
  auto lock = lock_lease(kLease, bind_->source, file_, *lessee_);
  if (!lock) return std::move(lock.error());
  lock_ = std::move(*lock);
  if (auto status = append(kLease, file_, lock_.get(), line_of(holder_)); !status) return status;
  // Only now, because the session that had it before may have been handing it back.
  auto before = lent_output(bind_->source, directory_.get());
  if (!before) return std::move(before.error());
  before_ = std::move(*before);
  return {};
}

Status OutputLease::note(const Fact& lent) const {
  return append("output-lease", file_, lock_.get(), facts_text({lent}));
}

OutputLease::Word OutputLease::word_on(const Fact& lent) const {
  const auto text = read_text_file(kHandBack, file_, kUnfollowed);
  const auto holder = text ? holder_in(*text) : std::nullopt;
  if (!holder) return Word::kOther;
  if (*holder != holder_) return Word::kOfAnotherSession;
  std::string_view rest = *text;
  cut(rest, '\n');
  return rest == facts_text({lent}) ? Word::kSame : Word::kOther;
}

Status OutputLease::take_away(TakingAway&) {
  if (!lock_) return {};
  if (::unlink(file_.c_str()) != 0 && errno != ENOENT) return last_error(kHandBack, "unlink", file_);
  lock_.reset();
  return {};
}

Result<bool> OutputLease::take_over() {
  if (lock_) return true;
  const auto lock_it = [this] { return lock_file(kHandBack, file_, O_RDWR); };
  BackOff back_off(kOutlivingBound);
  auto lock = lock_it();
  while (!lock && lock.error().err == EWOULDBLOCK) {
    // If another part of the dead session stayed, the output was handed back before, and another session may have it.
    const auto found = holder_of(kHandBack, file_);
    if (found && *found && **found != holder_) return false;
    if (!back_off.wait()) break;
    lock = lock_it();
  }
  if (!lock && lock.error().err == ENOENT) return false;
  if (!lock) return std::move(lock.error());
  const auto found = holder_of(kHandBack, file_);
  if (!found) return found.error();
  if (*found != holder_) return false;
  lock_ = std::move(*lock);
  return true;
}

void LentDirectory::add_planned(const Opening& opening, Parts& parts) {
  if (opening.plan.ownership == Ownership::kUnchanged) return;
  for (OutputLease* const lease : opening.leases)
    parts.push_back(std::make_unique<LentDirectory>(*lease, opening.lent_as));
}

Status LentDirectory::add_left(const DeadSession& dead, Parts& parts) {
  for (const Fact& fact : dead.entry.facts) {
    if (fact.part != kFacts) continue;
    // Its form was checked by OutputLease.
    auto noted = *noted_output(fact);
    OutputLease& lease = *dead.leases.at({noted.before.dev, noted.before.ino});
    // defence: recovery-believes-leases
    const auto word = lease.word_on(fact);
    // The dead session had handed it back, so it does not belong to it any more.
    if (word == OutputLease::Word::kOfAnotherSession) continue;
    if (word == OutputLease::Word::kSame)
      parts.push_back(std::make_unique<LentDirectory>(lease, std::move(noted)));
    else if (is_changed(noted.before))
      parts.push_back(std::make_unique<DoubtedOutput>(journal_of(dead.state_directory, dead.entry.id),
                                                      std::move(noted.before.path)));
  }
  return {};
}

std::vector<Fact> LentDirectory::facts() const {
  if (!lease_.before()) return {};
  const auto [before, lending] = this->lending(as_());
  return {lent_fact(before, lending)};
}

NotedOutput LentDirectory::lending(const LentAs& as) const {
  const bool gives_back = !as.is_left_as_built && !lease_.is_mapped();
  return {.before = *lease_.before(),
          .lending = {.ids = ids_of(as),
                      .gives_owner = gives_back && !as.keeps_owner,
                      .takes_marks = gives_back && as.lets_mark,
                      .is_store = lease_.bind()->is_store}};
}

// While it is lent it is shut to other users of the host, so that none can execute a set-uid program of the build. The
// files in a store keep their owners. Its folder belongs to us and not to the build, because the sticky bit does not
// keep the owner of a folder from removing files of others (unlink(2), sticky(7)).
Status LentDirectory::make(Trace&) {
  const LentAs as = as_();
  lent_ = lending(as);
  const auto& [before, lending] = *lent_;
  if (auto status = lease_.note(lent_fact(before, lending)); !status) return status;
  const int directory = lease_.directory();
  const auto may = may_shut(before.uid, before.gid, before.mode);
  if (!may) return may.error();
  // defence: ordinary-callers-output-shut
  if (!*may) return {};
  if (auto status = shut_to_others(directory, before); !status || as.keeps_owner) return status;
  uid_t owner = as.user.uid;
  // defence: store-keeps-build-did
  if (lending.is_store) owner = ::geteuid();
  const bool is_other = before.uid != owner || before.gid != as.user.gid;
  if (is_other && !lease_.is_mapped() && ::fchown(directory, owner, as.user.gid) != 0)
    return last_error({}, "fchown", before.path);
  if (lending.is_store && ::fchmod(directory, kStoreMode) != 0) return last_error({}, "fchmod", before.path);
  // Only now, when no user but the build's and root can enter it. Root writes anywhere.
  if (lending.is_store || !lending.gives_owner || lending.ids.contains(before.uid)) return {};
  auto status = hand_over_tree(directory, before, as.user.uid, as.user.gid);
  if (!status) status.error().step.clear();
  return status;
}

// The output of a live session is open since before it was leased; that of a dead one is found by its path.
Result<HandBack> LentDirectory::hand_back(std::vector<LeftInOutput>& left) {
  if (lease_.directory() < 0) {
    const auto is_its = lease_.take_over();
    if (!is_its) return is_its.error();
    return *is_its ? buildjail::hand_back(*lent_, left) : HandBack::kNothingToDo;
  }
  std::size_t changed = 0;
  const LentAs as = as_();
  const auto* const set_group_id = as.is_left_as_built ? nullptr : as.set_group_id;
  auto status = restore(lease_.directory(), *lent_, left, changed, set_group_id);
  if (!status) return std::move(status.error());
  return HandBack::kDone;
}

Status LentDirectory::take_away(TakingAway& taking) {
  if (!lent_) return {};
  const auto done = hand_back(taking.taken.left_in_outputs);
  if (!done) return done.error();
  const std::string& path = lent_->before.path;
  if (*done == HandBack::kDone) {
    taking.trace.mark(kHandBack, path);
    taking.taken.handed_back.push_back(path);
  }
  if (*done == HandBack::kLost) {
    taking.trace.mark("lost", path);
    taking.taken.lost.push_back(path);
  }
  lent_.reset();
  return {};
}

}  // namespace buildjail
