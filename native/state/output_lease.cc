#include "state/output_lease.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/back_off.h"
#include "state/locked_file.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "output-lease";
constexpr std::chrono::milliseconds kHolderBound{10000};

SysError busy(const std::string& source, std::string detail) {
  return {.step = kStep, .syscall = "flock", .err = EBUSY, .path = source, .dest = {}, .detail = std::move(detail)};
}

std::string dead_holder(const std::string& holder, const Outcome& found) {
  return "it is still lent to session " + holder +
         ", which is dead and could not be recovered: " + found.left_alone.back().reason;
}

/** Whose the lease is; empty where it does not say so yet, or any more. */
Result<std::string> holder_in(const std::string& path, int fd) {
  auto text = read_file(kStep, path, fd);
  if (!text) return text;
  return text->ends_with('\n') ? text->substr(0, text->size() - 1) : std::string();
}

}  // namespace

Result<std::string> holder_of(const std::string& lease) {
  const UniqueFd file(::open(lease.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (file) return holder_in(lease, file.get());
  // Given back meanwhile.
  if (errno == ENOENT) return std::string();
  return last_error(kStep, "open", lease);
}

Result<UniqueFd> lock_lease(const std::string& lease, const std::string& source, const Recovery& recovery) {
  BackOff back_off(kHolderBound);
  std::string gone;
  for (;;) {
    auto locked = lock_file(kStep, lease, O_RDWR | O_CREAT | O_APPEND);
    const bool is_locked = static_cast<bool>(locked);
    if (!is_locked && locked.error().err != EWOULDBLOCK) return locked;
    const auto told = is_locked ? holder_in(lease, locked->get()) : holder_of(lease);
    if (!told) {
      if (is_locked) remove_if_empty(*locked, lease);
      return told.error();
    }
    const std::string& holder = *told;
    if (holder.empty() || holder == gone) {
      // If somebody has it all the same, it is being made or removed, or what keeps it ends this very moment.
      if (is_locked && !holder.empty() && ::ftruncate(locked->get(), 0) != 0)
        return last_error(kStep, "ftruncate", lease);
      if (is_locked) return locked;
    } else {
      // Not under our lock: who recovers that session needs it.
      if (is_locked) locked->reset();
      const Outcome found = recovery.recover(holder, kHolderBound);
      if (found.standing == Standing::kLeftAlone) return busy(source, dead_holder(holder, found));
      // One that lives without the lock is of a process that ends, and has begun to close what it has open.
      if (found.standing == Standing::kLive && !is_locked) return busy(source, "another live session writes there");
      if (found.standing != Standing::kLive) {
        gone = holder;
        continue;
      }
    }
    if (!back_off.wait()) return busy(source, "session " + holder + " has it and does not end");
  }
}

std::string lease_of(const std::string& state_directory, std::uint64_t dev, std::uint64_t ino) {
  return state_directory + "/" + kLeasePrefix + std::to_string(dev) + "-" + std::to_string(ino);
}

Status sign_lease(const std::string& lease, const UniqueFd& lock, const std::string& id) {
  return append(kStep, lease, lock.get(), id + "\n");
}

}  // namespace buildjail
