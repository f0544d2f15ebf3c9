#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * The state directory as a tmpfs(5) of its own, there while any program of this host has it: covering a directory that
 * was just made on a disk means waiting for that disk (vfs_domount_first flushes it), which costs more than all other
 * mounts of a session together. Of what it tells, mounts and jails do not survive a reboot either. The owner of an
 * output that was lent when the host went down does, and nobody remembers whose it was.
 *
 * What somebody else mounted there is used as it is, as any directory that is ours and private would be, with nothing
 * mounted over it; and never unmounted. It may be a disk's, and then entries do survive a reboot, outputs too.
 *
 * Beside it lies a file to be locked: every program that works in there shares the lock, and the one that unmounts
 * has it alone, because nothing can be looked up or written there meanwhile, even if it stays in the end.
 */
class StateFileSystem {
 public:
  /** Mounts it unless something is mounted there. It stays at least as long as this. */
  static Result<StateFileSystem> hold(const std::string& path);
  /** Only where something is mounted already. */
  static Result<std::optional<StateFileSystem>> hold_mounted(const std::string& path);
  StateFileSystem(StateFileSystem&& other) noexcept
      : path_(std::move(other.path_)),
        lock_(std::move(other.lock_)),
        root_(std::move(other.root_)),
        fsid_(std::exchange(other.fsid_, {})) {}
  StateFileSystem& operator=(StateFileSystem&&) noexcept = delete;
  StateFileSystem(const StateFileSystem&) = delete;
  StateFileSystem& operator=(const StateFileSystem&) = delete;
  /** Unmounts it when nobody else needs it. */
  ~StateFileSystem();

  /** Waits up to `bound` for others to let go of it. Again: what of that is left to do. */
  Status release(std::chrono::milliseconds bound = {});

 private:
  StateFileSystem(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  /** With a share of the file beside it. What is being unmounted is waited for. */
  static Result<StateFileSystem> lock_beside(const std::string& path, int flags);
  /** Whether something is mounted there; if so, it is held open from here on. */
  Result<bool> find_mounted();
  /** What was just mounted is to be unmounted by this, whatever becomes of it. */
  Status take_new();
  Status unmount_if_empty();

  std::string path_;
  UniqueFd lock_;
  /** Open, so that nobody else can unmount it (unmount(2), EBUSY). */
  UniqueFd root_;
  /** Empty where it is not ours to unmount, or nothing is left to do. */
  std::string fsid_;
};

}  // namespace buildjail
