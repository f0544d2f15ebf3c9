#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "linux/child.h"
#include "plan/plan.h"

namespace buildjail {

// The contents of a session's root that are its own. They are made by a child whose working directory is the root and
// that shares our memory (child.h), from values that are made before. On failure a function of the child returns false
// and sets `stopped`.

/** A target is absolute inside, and the child's working directory is the root. */
inline const char* relative(const char* target) { return target + 1; }
inline const char* relative(const std::string& target) { return relative(target.c_str()); }

/** The place of a step in the root. */
inline const std::string& target_of(const Step& step) {
  return std::visit([](const auto& one) -> const std::string& { return one.target; }, step);
}

/** Whether a step is a directory, a file or a link. */
bool is_skeleton(const Step& step);
/** In the child: makes a directory, a file or a link. */
bool make_skeleton(const Step& step, Stopped& stopped);

/** In the child. The options are those of the file system. */
bool mount_file_system(const char* type, const char* target, unsigned long flags, const std::string& options,
                       Stopped& stopped);

/** The folders between /dev and the devices that the spec names, the outer ones first. */
std::vector<std::string> device_folders(const MountDev& dev);
/**
 * In the child: makes the devices, terminals and shared memory of a session. `folders` are those of device_folders, and
 * `shm_options` those of the tmpfs for shared memory. `has_host` says whether the child has the host's root, from which
 * a device can be bound that root of a container or of a user namespace may not make (mknod(2), EPERM).
 */
bool make_dev(const MountDev& step, const std::vector<std::string>& folders, const std::string& shm_options,
              bool has_host, Stopped& stopped);

/**
 * The files in a session's /proc that are about the host and of no use to a build (proc(5)), relative to the root, as
 * far as this kernel has them. For a build that is root, with those that only root may open.
 */
Result<std::vector<std::string>> hidden_in_proc(const MountProc& proc, bool is_root);
/** In the child: covers these with the session's /dev/null. */
bool hide(const std::vector<std::string>& hidden, Stopped& stopped);

}  // namespace buildjail
