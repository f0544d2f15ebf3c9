#include "state/output_lease.h"

#include <fcntl.h>
#include <sys/stat.h>
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

Result<std::string> holder_of(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (file) return holder_in(path, file.get());
  // Given back meanwhile.
  if (errno == ENOENT) return std::string();
  return last_error(kStep, "open", path);
}

/** The lease's file, locked, and nobody's any more. */
Result<UniqueFd> lock_lease(const std::string& path, const std::string& source, const Recovery& recovery) {
  BackOff back_off(kHolderBound);
  std::string gone;
  for (;;) {
    auto locked = lock_file(kStep, path, O_RDWR | O_CREAT | O_APPEND);
    const bool is_locked = static_cast<bool>(locked);
    if (!is_locked && locked.error().err != EWOULDBLOCK) return locked;
    const auto told = is_locked ? holder_in(path, locked->get()) : holder_of(path);
    if (!told) {
      if (is_locked) remove_if_empty(*locked, path);
      return told.error();
    }
    const std::string& holder = *told;
    if (holder.empty() || holder == gone) {
      // If somebody has it all the same, it is being made or removed, or what keeps it ends this very moment.
      if (is_locked && !holder.empty() && ::ftruncate(locked->get(), 0) != 0)
        return last_error(kStep, "ftruncate", path);
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

}  // namespace

std::string lease_name(std::uint64_t dev, std::uint64_t ino) {
  return kLeasePrefix + std::to_string(dev) + "-" + std::to_string(ino);
}

Result<OutputLease> OutputLease::take(const std::string& state_directory, const std::string& id, const Bind& bind,
                                      UniqueFd directory, const Recovery& recovery) {
  std::string path = state_directory + "/" + lease_name(bind.dev, bind.ino);
  auto locked = lock_lease(path, bind.source, recovery);
  if (!locked) return std::move(locked.error());
  OutputLease lease(std::move(directory), std::move(*locked), std::move(path), bind.source);
  if (auto status = append(kStep, lease.lock_path_, lease.lock_.get(), id + "\n"); !status)
    return std::move(status.error());
  return lease;
}

OutputLease::~OutputLease() {
  if (!lock_) return;
  static_cast<void>(hand_back());
  static_cast<void>(::unlink(lock_path_.c_str()));
}

Result<LentOutput> OutputLease::remember() {
  struct stat before{};
  if (::fstat(directory_.get(), &before) != 0) return last_error("hand-over", "fstat", source_);
  before_ = lent_output(source_, before);
  return *before_;
}

Status OutputLease::hand_over(const BuildUser& user) {
  // Root writes anywhere, and an owner can write already.
  if (user.uid == 0 || before_->uid == user.uid) return {};
  if (::fchown(directory_.get(), user.uid, user.gid) != 0) return last_error("hand-over", "fchown", source_);
  return {};
}

Status OutputLease::hand_back() {
  if (!before_) return {};
  if (auto status = restore(directory_.get(), *before_); !status) return status;
  before_.reset();
  return {};
}

void OutputLease::release() noexcept {
  before_.reset();
  lock_.reset();
}

Status OutputLease::end() {
  if (!lock_) return {};
  if (auto status = hand_back(); !status) return status;
  if (::unlink(lock_path_.c_str()) != 0 && errno != ENOENT) return last_error("hand-back", "unlink", lock_path_);
  lock_.reset();
  return {};
}

}  // namespace buildjail
