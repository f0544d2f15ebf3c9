#include "state/recovery.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/back_off.h"
#include "state/files.h"
#include "state/lease.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "recover";

/** A process that has ended holds no lock, but another one that looks at the entry may hold it for a moment. */
constexpr std::chrono::milliseconds kLookBound{100};

Outcome not_recovered(const std::string& path, std::string reason) {
  return {.standing = Standing::kNotRecovered, .leftovers = {{path, std::move(reason)}}};
}

bool is_private(const struct stat& found) {
  return S_ISREG(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/** In bytes: more than all access lists of all outputs take. */
constexpr off_t kMostJournal = off_t{64} << 20;

/** The reason why these are not the files of a session of ours. Empty if they are. `journal` is open. */
std::string objection_to(int journal, const std::string& file, const std::string& root) {
  struct stat found{};
  if (::fstat(journal, &found) != 0) return reason_of(last_error(kStep, "fstat", file));
  if (!is_private(found) || found.st_nlink != 1) return "it is not a private file of the caller's own";
  if (found.st_size > kMostJournal) return "it is larger than any journal";
  if (::lstat(root.c_str(), &found) != 0) return errno == ENOENT ? "" : reason_of(last_error(kStep, "lstat", root));
  return S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() ? "" : "its root is not a directory of the caller's own";
}

std::optional<JournalEntry> look_at(const std::string& file) {
  const auto text = read_text_file(kStep, file, kUnfollowed);
  auto entry = text ? read_entry(file, *text) : std::optional<JournalEntry>();
  return entry ? std::move(*entry) : std::nullopt;
}

/** A root without an entry is left if a person has removed the entry. */
Outcome remove_empty(const std::string& root) {
  if (::rmdir(root.c_str()) == 0 || errno == ENOENT) return {.standing = Standing::kGone};
  return not_recovered(root, "there is no journal for it, and " + reason_of(last_error(kStep, "rmdir", root)));
}

}  // namespace

std::string reason_of(const SysError& error) {
  const std::string on = error.path.empty() ? "" : " '" + error.path + "'";
  const std::string more = error.detail.empty() ? "" : " (" + error.detail + ")";
  return error.syscall + on + ": " + errno_name(error.err) + more;
}

RecoveryReport Recovery::run(std::chrono::milliseconds bound, pid_t dying) const {
  RecoveryReport report;
  const auto state = read_state_directory(state_directory_);
  if (!state) {
    report.leftovers.push_back({state_directory_, reason_of(state.error())});
    return report;
  }
  for (const std::string& id : state->sessions) {
    auto outcome = recover(id, bound, dying);
    if (outcome.recovered) report.recovered.push_back(std::move(*outcome.recovered));
    std::ranges::move(outcome.leftovers, std::back_inserter(report.leftovers));
    report.is_unended |= outcome.is_unended;
  }
  // A lease that the process kept for later sessions is not signed. Another process may have such a lease for long.
  const auto may_be_of_dying = [dying](const std::optional<LeaseHolder>& holder) { return dying > 0 && !holder; };
  sweep_leases(leases_, kLookBound, may_be_of_dying);
  for (const std::string& name : state->others)
    report.leftovers.push_back({state_directory_ + "/" + name, "it is no file of a session"});
  return report;
}

Outcome Recovery::recover(const std::string& id, std::chrono::milliseconds bound, pid_t dying) const {
  const std::string file = journal_of(state_directory_, id);
  const std::string root = root_of(state_directory_, id);
  if (const auto is_ours = is_state_directory(state_directory_); !is_ours)
    return not_recovered(state_directory_, reason_of(is_ours.error()));
  BackOff outliving(std::max(bound, kLookBound));
  BackOff patient(bound);
  for (;;) {
    auto lock = lock_file(kStep, file, O_RDONLY);
    if (lock) {
      if (auto objection = objection_to(lock->get(), file, root); !objection.empty())
        return not_recovered(file, std::move(objection));
      const auto text = read_file(kStep, file, lock->get());
      auto entry = text ? read_entry(file, *text) : text.error();
      if (!entry) return not_recovered(file, reason_of(entry.error()));
      if (*entry && (**entry).id != id) return not_recovered(file, "it is the journal of another session");
      // defence: recovery-own-leases
      if (*entry && (**entry).host_directory != leases_)
        return not_recovered(file, "it names '" + (**entry).host_directory + "' for its leases, which are in '" +
                                       leases_ + "' for this program");
      if (*entry) return take_away(**entry, file, std::move(*lock));
      // The process that made the empty file has died, or it lives, finds the file gone and makes it again.
      if (::unlink(file.c_str()) != 0) return not_recovered(file, reason_of(last_error(kStep, "unlink", file)));
      return {.standing = Standing::kGone};
    }
    if (lock.error().err == ENOENT) return remove_empty(root);
    if (lock.error().err != EWOULDBLOCK) return not_recovered(file, reason_of(lock.error()));
    const auto held = look_at(file);
    // A holder that has written nothing yet has just made it.
    if (!held) return {.standing = Standing::kLive};
    const bool is_let_go = held->is_being_recovered || held->pid == dying;
    if (!is_let_go && (::kill(held->pid, 0) == 0 || errno != ESRCH)) return {.standing = Standing::kLive};
    // Processes inside may outlive the owner for a moment, and init holds the lock until they have ended.
    if (!(is_let_go ? patient : outliving).wait()) return {.standing = Standing::kLive};
  }
}

Outcome Recovery::take_away(const JournalEntry& entry, const std::string& file, UniqueFd lock) const {
  Outcome outcome{.standing = Standing::kGone,
                  .recovered = RecoveredSession{.id = entry.id, .name = entry.name, .pid = entry.pid}};
  Journal journal(file, std::move(lock));
  std::vector<SysError> failures;
  // So that no other process takes our lock for the owner's.
  if (auto status = journal.note({recovering_fact(::getpid())}); !status) {
    failures.push_back(std::move(status.error()));
  } else {
    failures = take_away_(entry, journal, outcome);
  }
  if (!failures.empty()) outcome.standing = Standing::kNotRecovered;
  outcome.is_unended = std::ranges::any_of(failures, [](const SysError& one) { return one.step == kUnended; });
  // Leases of numbers are in no journal, and neither is a lease that was signed before its fact was noted.
  const auto is_of_this = [&entry](const std::optional<LeaseHolder>& holder) {
    return holder && holder->id == entry.id;
  };
  if (failures.empty()) sweep_leases(leases_, kOthersBound, is_of_this);
  const TakenAway& taken = outcome.recovered->taken;
  for (const auto& [path, what] : taken.left_in_outputs)
    outcome.leftovers.push_back({path, "a build left it with what cannot be taken away: " + what});
  // The next recovery tries again to take these away.
  for (const SysError& failure : failures) outcome.leftovers.push_back({file, reason_of(failure)});
  const bool is_nothing =
      taken.jail.empty() && taken.unmounted.empty() && taken.handed_back.empty() && taken.lost.empty();
  if (is_nothing) outcome.recovered.reset();
  return outcome;
}

Result<std::vector<ListedSession>> list_sessions(const std::string& state_directory) {
  auto state = read_state_directory(state_directory);
  if (!state) return std::move(state.error());
  std::vector<ListedSession> sessions;
  for (const std::string& id : state->sessions) {
    const std::string file = journal_of(state_directory, id);
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    const auto text = fd ? read_file("list", file, fd.get()) : std::string();
    auto entry = text ? read_entry(file, *text) : std::optional<JournalEntry>();
    if (!entry || !*entry) continue;
    // Only for the moment of asking, and shared, so that two processes that ask do not take each other for the owner.
    const bool is_locked = ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0;
    const bool is_live = is_locked && !(*entry)->is_being_recovered;
    sessions.push_back({.entry = std::move(**entry), .is_live = is_live});
  }
  return sessions;
}

}  // namespace buildjail
