#include "state/lease.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "base/back_off.h"
#include "base/text.h"
#include "state/files.h"
#include "state/journal.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kHolderBound{10000};

SysError busy(const char* step, const std::string& subject, std::string detail) {
  return {.step = step, .syscall = "flock", .err = EBUSY, .path = subject, .detail = std::move(detail)};
}

/** The number of holders that an error names. */
constexpr std::size_t kMostNamed = 4;

/**
 * The number to begin with, so that sessions that come at once do not all try the same one. Not std::random_device,
 * which needs a newer C library than some supported systems have.
 */
std::uint32_t anywhere() {
  const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 by the golden ratio, which spreads near numbers
  return static_cast<std::uint32_t>(((now ^ static_cast<std::uint64_t>(::getpid())) * kSpread) >> 32U);
}

Result<std::optional<LeaseHolder>> read_holder(const char* step, const std::string& file, const UniqueFd& fd,
                                               bool is_empty) {
  if (is_empty) return std::optional<LeaseHolder>();
  const auto text = read_file(step, file, fd.get());
  if (!text) return text.error();
  return holder_in(*text);
}

std::string file_of(const std::string& host_directory, const NumberedThings& things, std::uint32_t number) {
  return host_directory + "/" + things.name + "-" + std::to_string(number);
}

/** The result of a look at a number. */
struct Look {
  /** Locked if the number has no holder. */
  UniqueFd lock{};
  /** Its holder, if that is dead. */
  std::optional<LeaseHolder> dead{};
  /** Why it cannot be leased. */
  std::string reason{};
};

/** Looks at a number whose file is not locked by a session, or signed by a dead one. */
Result<Look> look_at_free(const NumberedThings& things, std::uint32_t number, const std::string& file, UniqueFd lock) {
  auto objection = things.objection ? things.objection(number) : Result<std::string>(std::string());
  if (objection && objection->empty()) return Look{.lock = std::move(lock)};
  remove_if_empty(lock, file);
  if (!objection) return std::move(objection.error());
  return Look{.reason = std::move(*objection)};
}

Result<Look> look_at(const NumberedThings& things, std::uint32_t number, const std::string& file) {
  bool is_empty = false;
  // defence: build-user-one-live
  auto lock = lock_file(things.step, file, O_RDWR | O_CREAT | O_APPEND, LOCK_EX, &is_empty);
  if (!lock) {
    if (lock.error().err != EWOULDBLOCK) return std::move(lock.error());
    const auto holder = holder_of(things.step, file);
    if (!holder) return holder.error();
    return Look{.reason = *holder ? name_of(**holder) : "sessions that name it"};
  }
  auto holder = read_holder(things.step, file, *lock, is_empty);
  if (!holder) {
    remove_if_empty(*lock, file);
    return std::move(holder.error());
  }
  if (*holder) return Look{.dead = std::move(*holder)};
  return look_at_free(things, number, file, std::move(*lock));
}

SysError all_leased(const NumberedThings& things, const std::vector<std::string>& reasons) {
  std::string detail = "none of the " + std::to_string(things.count) + " " + things.plural + " from " +
                       std::to_string(things.first) + " is free: " + first_of(reasons, kMostNamed);
  return {.step = things.step, .syscall = "flock", .err = EBUSY, .detail = std::move(detail)};
}

}  // namespace

std::string line_of(const LeaseHolder& holder) { return holder.id + " " + escaped(holder.state_directory) + "\n"; }

std::optional<LeaseHolder> holder_in(std::string_view text) {
  if (text.find('\n') == std::string_view::npos) return std::nullopt;
  std::string_view line = cut(text, '\n');
  LeaseHolder holder{.id = std::string(cut(line, ' ')), .state_directory = {}};
  const bool is_holder = unescape(line, holder.state_directory) && holder.state_directory.starts_with('/');
  return is_holder ? std::optional(std::move(holder)) : std::nullopt;
}

std::string name_of(const LeaseHolder& holder) { return "session " + holder.id + " of " + holder.state_directory; }

Result<std::optional<LeaseHolder>> holder_of(const char* step, const std::string& file) {
  const auto text = read_text_file(step, file, kUnfollowed);
  if (text) return holder_in(*text);
  // It was given back meanwhile.
  return text.error().err == ENOENT ? Result(std::optional<LeaseHolder>()) : text.error();
}

Result<UniqueFd> lock_lease(const char* step, const std::string& subject, const std::string& file, const Lessee& lessee,
                            int kind) {
  BackOff back_off(kHolderBound);
  std::optional<LeaseHolder> gone;
  for (;;) {
    bool is_empty = false;
    auto locked = lock_file(step, file, O_RDWR | O_CREAT | O_APPEND, kind, &is_empty);
    const bool is_locked = static_cast<bool>(locked);
    if (!is_locked && locked.error().err != EWOULDBLOCK) return locked;
    const auto told = is_locked ? read_holder(step, file, *locked, is_empty) : holder_of(step, file);
    if (!told) {
      if (is_locked && kind == LOCK_EX) remove_if_empty(*locked, file);
      return told.error();
    }
    const std::optional<LeaseHolder>& holder = *told;
    if (is_locked && (!holder || holder == gone)) {
      // No session has it. The file is unsigned, or it still names the dead session that was recovered just now.
      if (holder && ::ftruncate(locked->get(), 0) != 0) return last_error(step, "ftruncate", file);
      return locked;
    }
    if (!holder) {
      // Another session is about to sign the file or to remove it, or sessions share the object and sign nothing.
      if (!back_off.wait()) return busy(step, subject, "another live session has it");
      continue;
    }
    // The init of a recovered session keeps the lock until it has ended.
    if (holder != gone) {
      // The recovery of that session needs the lock.
      if (is_locked) locked->reset();
      const Outcome found = lessee.recovery_of(holder->state_directory).recover(holder->id, kHolderBound);
      if (found.standing == Standing::kNotRecovered)
        return busy(step, subject,
                    name_of(*holder) + " has it, is dead and could not be recovered: " + found.leftovers.back().reason);
      // A live session without the lock is one of a process that is ending and has closed this descriptor.
      if (found.standing == Standing::kLive && !is_locked)
        return busy(step, subject, "another live session has it: " + name_of(*holder));
      if (found.standing != Standing::kLive) {
        gone = holder;
        continue;
      }
    }
    if (!back_off.wait()) return busy(step, subject, name_of(*holder) + " has it and does not end");
  }
}

void sweep_leases(const std::string& host_directory, std::chrono::milliseconds bound,
                  const std::function<bool(const std::optional<LeaseHolder>&)>& is_let_go) {
  constexpr const char* kStep = "recover";
  const auto names = names_in(host_directory);
  if (!names) return;
  BackOff back_off(bound);
  const auto goes_soon = [&](const std::string& file) {
    const auto holder = holder_of(kStep, file);
    return holder && is_let_go && is_let_go(*holder);
  };
  for (const std::string& name : *names) {
    std::string file = host_directory;
    file.append("/").append(name);
    auto lock = lock_file(kStep, file, O_RDWR);
    while (!lock && lock.error().err == EWOULDBLOCK && goes_soon(file) && back_off.wait())
      lock = lock_file(kStep, file, O_RDWR);
    if (!lock) continue;
    const auto holder = read_holder(kStep, file, *lock, false);
    if (!holder) continue;
    struct stat found{};
    const bool has_session =
        *holder &&
        (::lstat(journal_of((**holder).state_directory, (**holder).id).c_str(), &found) == 0 || errno != ENOENT);
    // defence: dead-session-user-taken
    if (!has_session) static_cast<void>(::unlink(file.c_str()));
  }
}

std::string output_lease_file(const std::string& host_directory, std::uint64_t dev, std::uint64_t ino) {
  return host_directory + "/output-" + std::to_string(dev) + "-" + std::to_string(ino);
}

Result<NumberedLease> NumberedLease::take(const NumberedThings& things, const Lessee& lessee) {
  std::vector<std::string> reasons;
  std::vector<std::uint32_t> of_dead;
  const auto signed_lease = [&](std::uint32_t number, std::string file, UniqueFd lock) -> Result<NumberedLease> {
    NumberedLease lease(number, std::move(file), std::move(lock), false);
    auto status = append(things.step, lease.file_, lease.lock(), line_of(lessee.session));
    if (status) return lease;
    static_cast<void>(lease.give_back());
    return std::move(status.error());
  };
  const std::uint32_t start = things.count == 0 ? 0 : anywhere() % things.count;
  for (std::uint32_t i = 0; i < things.count; ++i) {
    // Not `start + i`, which may overflow 32 bits.
    const std::uint32_t number = things.first + (i < things.count - start ? start + i : i - (things.count - start));
    std::string file = file_of(lessee.host_directory, things, number);
    auto look = look_at(things, number, file);
    if (!look) return std::move(look.error());
    if (look->lock) return signed_lease(number, std::move(file), std::move(look->lock));
    if (look->dead) of_dead.push_back(number);
    if (!look->dead) reasons.push_back(std::to_string(number) + " " + look->reason);
  }
  // Only now, because a recovery can take long.
  for (const std::uint32_t number : of_dead) {
    std::string file = file_of(lessee.host_directory, things, number);
    auto lock = lock_lease(things.step, file, file, lessee);
    if (!lock && lock.error().err != EBUSY) return std::move(lock.error());
    auto look = lock ? look_at_free(things, number, file, std::move(*lock)) : Look{.reason = lock.error().detail};
    if (!look) return std::move(look.error());
    if (look->lock) return signed_lease(number, std::move(file), std::move(look->lock));
    reasons.push_back(std::to_string(number) + " " + look->reason);
  }
  return all_leased(things, reasons);
}

Result<NumberedLease> NumberedLease::share(const NumberedThings& things, std::uint32_t number, const Lessee& lessee) {
  std::string file = file_of(lessee.host_directory, things, number);
  const std::string subject = things.name + " " + std::to_string(number);
  auto lock = lock_lease(things.step, subject, file, lessee, LOCK_SH);
  if (!lock) return std::move(lock.error());
  return NumberedLease(number, std::move(file), std::move(*lock), true);
}

Status NumberedLease::pass_to(const char* step, const std::optional<LeaseHolder>& session) {
  if (::ftruncate(lock_.get(), 0) != 0) return last_error(step, "ftruncate", file_);
  return session ? append(step, file_, lock(), line_of(*session)) : Status();
}

Status NumberedLease::give_back() {
  if (!lock_) return {};
  // The last of several sessions removes the file. Two that leave at once may hinder each other; then an empty file
  // stays, which the next session uses.
  const bool is_alone = !is_shared_ || ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
  if (is_alone && ::unlink(file_.c_str()) != 0 && errno != ENOENT) return last_error("give-back", "unlink", file_);
  lock_.reset();
  return {};
}

}  // namespace buildjail
