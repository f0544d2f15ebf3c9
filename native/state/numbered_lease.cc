#include "state/numbered_lease.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "state/lease.h"
#include "state/locked_file.h"

namespace buildjail {

namespace {

/** So many holders an error names. */
constexpr std::size_t kMostNamed = 4;

/**
 * Where to begin to look, so that those who come at once do not all look at the same number. std::random_device is of
 * no use here: it needs a C library that is newer than those of the systems that this has to load on.
 */
std::uint32_t anywhere() {
  const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 by the golden ratio: what is near comes apart
  return static_cast<std::uint32_t>(((now ^ static_cast<std::uint64_t>(::getpid())) * kSpread) >> 32U);
}

/** One look at a number. */
struct Look {
  /** Locked, where it is nobody's. */
  UniqueFd lock{};
  /** The session that has it, if it is dead. */
  std::optional<Holding> dead{};
  /** Why it is not to be had, in words. */
  std::string reason{};
};

Result<Look> look_at(const NumberedThings& things, std::uint32_t number, const std::string& file) {
  // defence: build-user-one-live
  auto lock = lock_file(things.step, file, O_RDWR | O_CREAT | O_APPEND, LOCK_EX);
  if (!lock) {
    if (lock.error().err != EWOULDBLOCK) return std::move(lock.error());
    const auto holder = holding_of(things.step, file);
    if (!holder) return holder.error();
    return Look{.reason = *holder ? name_of(**holder) : "sessions that name it"};
  }
  auto holder = holding_in(things.step, file, *lock);
  if (!holder) {
    remove_if_empty(*lock, file);
    return std::move(holder.error());
  }
  if (*holder) return Look{.dead = std::move(*holder)};
  auto objection = things.objection ? things.objection(number) : Result<std::string>(std::string());
  if (objection && objection->empty()) return Look{.lock = std::move(*lock)};
  remove_if_empty(*lock, file);
  if (!objection) return std::move(objection.error());
  return Look{.reason = std::move(*objection)};
}

SysError all_leased(const NumberedThings& things, const std::vector<std::string>& reasons) {
  std::string detail = "none of the " + std::to_string(things.count) + " " + things.plural + " from " +
                       std::to_string(things.first) + " is free:";
  for (std::size_t i = 0; i < std::min(reasons.size(), kMostNamed); ++i) detail += (i == 0 ? " " : "; ") + reasons[i];
  if (reasons.size() > kMostNamed) detail += "; and " + std::to_string(reasons.size() - kMostNamed) + " more";
  return {.step = things.step, .syscall = "flock", .err = EBUSY, .path = {}, .dest = {}, .detail = std::move(detail)};
}

}  // namespace

std::string lease_file_of(const std::string& host_directory, const std::string& name, std::uint32_t number) {
  return host_directory + "/" + name + "-" + std::to_string(number);
}

Result<NumberedLease> NumberedLease::take(const NumberedThings& things, const Lessee& lessee) {
  std::vector<std::string> reasons;
  std::vector<std::uint32_t> of_dead;
  const auto signed_lease = [&](std::uint32_t number, std::string file, UniqueFd lock) -> Result<NumberedLease> {
    NumberedLease lease(number, std::move(file), std::move(lock), false);
    auto status = sign_lease({.step = things.step, .subject = lease.file_}, lease.file_, lease.lock_, lessee.session);
    if (status) return lease;
    static_cast<void>(lease.give_back());
    return std::move(status.error());
  };
  const std::uint32_t start = things.count == 0 ? 0 : anywhere() % things.count;
  for (std::uint32_t i = 0; i < things.count; ++i) {
    // Not `start + i`, which may not be there in 32 bits.
    const std::uint32_t number = things.first + (i < things.count - start ? start + i : i - (things.count - start));
    std::string file = lease_file_of(lessee.host_directory, things.name, number);
    auto look = look_at(things, number, file);
    if (!look) return std::move(look.error());
    if (look->lock) return signed_lease(number, std::move(file), std::move(look->lock));
    if (look->dead) of_dead.push_back(number);
    if (!look->dead) reasons.push_back(std::to_string(number) + " " + look->reason);
  }
  // Only now, as a recovery takes its time.
  for (const std::uint32_t number : of_dead) {
    std::string file = lease_file_of(lessee.host_directory, things.name, number);
    auto lock = lock_lease({.step = things.step, .subject = file}, file, lessee);
    if (!lock && lock.error().err != EBUSY) return std::move(lock.error());
    const auto objection =
        lock && things.objection ? things.objection(number) : Result<std::string>(lock ? "" : lock.error().detail);
    if (objection && objection->empty()) return signed_lease(number, std::move(file), std::move(*lock));
    if (lock) remove_if_empty(*lock, file);
    if (!objection) return objection.error();
    reasons.push_back(std::to_string(number) + " " + *objection);
  }
  return all_leased(things, reasons);
}

Result<NumberedLease> NumberedLease::share(const NumberedThings& things, std::uint32_t number, const Lessee& lessee) {
  std::string file = lease_file_of(lessee.host_directory, things.name, number);
  const std::string subject = things.name + " " + std::to_string(number);
  auto lock = lock_lease({.step = things.step, .subject = subject}, file, lessee, LOCK_SH);
  if (!lock) return std::move(lock.error());
  return NumberedLease(number, std::move(file), std::move(*lock), true);
}

Status NumberedLease::pass_to(const char* step, const std::optional<Holding>& session) {
  if (::ftruncate(lock_.get(), 0) != 0) return last_error(step, "ftruncate", file_);
  if (!session) return {};
  return sign_lease({.step = step, .subject = file_}, file_, lock_, *session);
}

Status NumberedLease::give_back() {
  if (!lock_) return {};
  // The last of several takes the file away. One that leaves at the same time may be in its way; the file is empty
  // then, and whoever comes next uses it.
  const bool is_alone = !is_shared_ || ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
  if (is_alone && ::unlink(file_.c_str()) != 0 && errno != ENOENT) return last_error("give-back", "unlink", file_);
  lock_.reset();
  return {};
}

}  // namespace buildjail
