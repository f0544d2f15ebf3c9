#include "state/lease.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/back_off.h"
#include "state/journal.h"
#include "state/locked_file.h"
#include "state/state_directory.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kHolderBound{10000};

SysError busy(const Leased& leased, std::string detail) {
  return {.step = leased.step,
          .syscall = "flock",
          .err = EBUSY,
          .path = leased.subject,
          .dest = {},
          .detail = std::move(detail)};
}

std::string dead_holder(const Holding& holder, const Outcome& found) {
  return "it still is with " + name_of(holder) +
         ", which is dead and could not be recovered: " + found.left_alone.back().reason;
}

}  // namespace

Result<std::optional<Holding>> holding_in(const char* step, const std::string& file, const UniqueFd& fd) {
  const auto text = read_file(step, file, fd.get());
  if (!text) return text.error();
  auto holdings = holdings_in(*text);
  return holdings.empty() ? std::optional<Holding>() : std::optional(std::move(holdings.front()));
}

Result<std::optional<Holding>> holding_of(const char* step, const std::string& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (fd) return holding_in(step, file, fd);
  // Given back meanwhile.
  if (errno == ENOENT) return std::optional<Holding>();
  return last_error(step, "open", file);
}

Result<UniqueFd> lock_lease(const Leased& leased, const std::string& file, const Lessee& lessee, int kind) {
  BackOff back_off(kHolderBound);
  std::optional<Holding> gone;
  for (;;) {
    bool is_empty = false;
    auto locked = lock_file(leased.step, file, O_RDWR | O_CREAT | O_APPEND, kind, &is_empty);
    const bool is_locked = static_cast<bool>(locked);
    if (!is_locked && locked.error().err != EWOULDBLOCK) return locked;
    const auto in_it = [&] {
      return is_empty ? Result<std::optional<Holding>>(std::nullopt) : holding_in(leased.step, file, *locked);
    };
    const auto told = is_locked ? in_it() : holding_of(leased.step, file);
    if (!told) {
      if (is_locked && kind == LOCK_EX) remove_if_empty(*locked, file);
      return told.error();
    }
    const std::optional<Holding>& holder = *told;
    if (!holder || holder == gone) {
      // If somebody has it all the same, it is being made or removed, or what keeps it ends this very moment.
      if (is_locked && holder && ::ftruncate(locked->get(), 0) != 0) return last_error(leased.step, "ftruncate", file);
      if (is_locked) return locked;
      // Several have it together, and none of them signs.
      if (!holder && !back_off.wait()) return busy(leased, "another live session has it");
      if (!holder) continue;
    } else {
      // Not under our lock: who recovers that session needs it.
      if (is_locked) locked->reset();
      const Outcome found = lessee.recovery_of(holder->state_directory).recover(holder->id, kHolderBound);
      if (found.standing == Standing::kLeftAlone) return busy(leased, dead_holder(*holder, found));
      // One that lives without the lock is of a process that ends, and has begun to close what it has open.
      if (found.standing == Standing::kLive && !is_locked)
        return busy(leased, "another live session has it: " + name_of(*holder));
      if (found.standing != Standing::kLive) {
        gone = holder;
        continue;
      }
    }
    if (!back_off.wait()) return busy(leased, name_of(*holder) + " has it and does not end");
  }
}

Status sign_lease(const Leased& leased, const std::string& file, const UniqueFd& lock, const Holding& holding) {
  return append(leased.step, file, lock.get(), line_of(holding));
}

void sweep_leases(const std::string& host_directory) {
  constexpr const char* kStep = "recover";
  const auto names = names_in(host_directory);
  if (!names) return;
  for (const std::string& name : *names) {
    std::string file = host_directory;
    file.append("/").append(name);
    const auto lock = lock_file(kStep, file, O_RDWR);
    if (!lock) continue;
    const auto holder = holding_in(kStep, file, *lock);
    if (!holder) continue;
    struct stat found{};
    const bool has_session =
        *holder &&
        (::lstat(journal_of((**holder).state_directory, (**holder).id).c_str(), &found) == 0 || errno != ENOENT);
    // defence: dead-session-user-taken
    if (!has_session) static_cast<void>(::unlink(file.c_str()));
  }
}

}  // namespace buildjail
