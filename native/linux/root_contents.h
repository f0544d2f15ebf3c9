#pragma once

#include <sys/mount.h>
#include <sys/stat.h>

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "linux/init_calls.h"
#include "plan/plan.h"

namespace buildjail {

// The parts of a session's root that are its own, as calls for init, whose working directory is the root.

/** A target is absolute inside, and init's working directory is the root. */
inline std::string_view relative(std::string_view target) { return target.substr(1); }

inline constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV;
/** Of a file on which something is mounted. */
inline constexpr mode_t kPlaceholder = S_IFREG | 0444;

/** The place of a step in the root. */
inline const std::string& target_of(const Step& step) {
  return std::visit([](const auto& one) -> const std::string& { return one.target; }, step);
}

// `is_over_host`: init's namespace has the host's mounts, from which its device nodes are copied, because root of a
// user namespace, or of a container, may make none (mknod(2), EPERM).

/** Makes an empty root, over the host's or over one that is empty. */
void make_root(bool is_over_host, InitCalls& calls);

/** Makes a directory, a file or a link. False if the step is a mount. */
bool make_skeleton(const Step& step, InitCalls& calls);

/** Makes /dev but for what the spec says of it. */
void make_dev(bool is_over_host, InitCalls& calls);
/** The devices that the spec names, and shared memory. `options` are those of its tmpfs. */
Status finish_dev(const MountDev& step, bool is_over_host, const std::string& options, InitCalls& calls);

/** Makes /proc, without what is about the host and of no use to a build (proc(5)). After `make_dev`, before
 * `finish_dev`. */
Status make_proc(InitCalls& calls);
/** Makes it safe for a build that is root. */
Status shut_proc(InitCalls& calls);

/**
 * A user namespace of a build's own can mount a /proc only where there is one without covers (mount_too_revealing() of
 * the kernel). Mounts one below /tmp, which covers it then: no path leads there, and nothing uncovers it, because a
 * mount of another user namespace is locked (mount_namespaces(7)). Not for a build that is root, whose /proc is
 * read-only, so that it can write no map of users.
 */
void make_whole_proc(InitCalls& calls);

}  // namespace buildjail
