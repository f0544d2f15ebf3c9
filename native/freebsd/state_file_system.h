#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * The state directory as a tmpfs(5) of its own, mounted while any program of this host uses it. To cover a directory
 * that was just made on a disk means waiting for that disk (vfs_domount_first flushes it), which costs more than all
 * other mounts of a session together. The mounts and jails in its records do not survive a reboot either. The owner of
 * an output that was lent when the host went down does survive, and is then recorded nowhere.
 *
 * A file system that another program mounted there is used as it is and never unmounted. It may be on a disk, and then
 * entries survive a reboot, as outputs do.
 *
 * Beside it lies a lock file. Every program that works in there shares the lock. The program that unmounts has it
 * alone, because nothing can be looked up or written there meanwhile, even if it stays in the end.
 */
class StateFileSystem {
 public:
  /** Mounts it unless something is mounted there. It stays at least as long as this. */
  static Result<StateFileSystem> hold(const std::string& path);
  /** The same, but only if something is mounted there already. */
  static Result<std::optional<StateFileSystem>> hold_mounted(const std::string& path);
  StateFileSystem(StateFileSystem&&) = default;
  /** Unmounts it if no other program needs it. */
  ~StateFileSystem();

  /** Waits up to `bound` for others to let go of it. A second call does the rest. */
  Status release(std::chrono::milliseconds bound = {});

 private:
  StateFileSystem(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  /** Shares the lock of the file beside it. Waits while another program unmounts. */
  static Result<StateFileSystem> lock_beside(const std::string& path, int flags);
  /** Whether something is mounted there; if so, it is held open from here on. */
  Result<bool> find_mounted();
  /** Takes over the unmounting of the new mount. */
  Status take_new();
  Status unmount_if_empty();

  std::string path_;
  UniqueFd lock_;
  /** Open, so that no other program can unmount it (unmount(2), EBUSY). */
  UniqueFd root_;
  /** Empty if the mount is not ours to unmount, or is gone. */
  std::string fsid_;
};

}  // namespace buildjail
