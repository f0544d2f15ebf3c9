#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/copying.h"
#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "envelope/record.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"
#include "launch/waiter.h"
#include "plan/plan.h"

namespace buildjail {

// The errors of an envelope that is in the wrong state for a call. `syscall` names the call that was not made.

inline SysError session_closed(const char* step, const char* syscall, int err = ECANCELED) {
  return {.step = step, .syscall = syscall, .err = err, .detail = "the session is closed"};
}

/** No command runs in a root that is not sealed, because it may still lead to the host's. */
inline SysError session_incomplete(const char* syscall) {
  return {.step = "launch", .syscall = syscall, .err = EINVAL, .detail = "the session is not complete"};
}

inline SysError session_complete(const char* syscall) {
  return {.step = "complete", .syscall = syscall, .err = EALREADY, .detail = "the session is complete"};
}

/** A command on its way into an envelope. */
struct Launching {
  LaunchRequest request;
  StdioEnds ends;
  /** Called from the launch on; not at all if the launch fails. */
  CommandListener listener;
};

/**
 * The upper layer of an overlay, as overlayfs keeps it: a removed file has a mark there. If the overlay is a copy, this
 * is the copy.
 */
struct Layer {
  /** Of the overlay. */
  std::string target;
  /** On the host. */
  std::string source;
  /** For this process, until the session is closed. */
  std::string path;
  /** Of the source when it was planned. */
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  /** When the first command was launched (file_time_now); 0 before. */
  std::int64_t since_ns = 0;
  bool is_copy = false;
};

/** The changes that were applied to the source of an overlay. */
struct AppliedChanges {
  /** Of the overlay. */
  std::string target;
  /** Files, links and folders that were put in place, a new folder once with all that is in it. */
  std::size_t written = 0;
  /** Files and folders that were removed, each folder once. */
  std::size_t removed = 0;
  /**
   * Some of the files that were not applied, by paths in the source: files that have changed there since the first
   * command; sockets, fifos, unreadable files, too deep folders.
   */
  std::vector<std::string> left{};
};

/**
 * The result of a plan: on FreeBSD a jail and its mounts, on Linux namespaces. Calls may come from any thread, one at a
 * time except for `close`.
 */
class Envelope {
 public:
  virtual ~Envelope() = default;
  Envelope& operator=(Envelope&&) = delete;

  [[nodiscard]] virtual const Trace& trace() const = 0;
  /**
   * Performs the rest of a plan whose base is open, and seals the root. No command can be launched before it, or after
   * its failure. ECANCELED if it was stopped.
   */
  virtual Status complete(std::vector<Step> rest, const Copying& copying) = 0;
  /**
   * To be called after opening or completing if no launch follows: waits until everything is made. A failure takes it
   * all away again.
   */
  virtual Status settle() { return {}; }
  /** Begins a launch. Its failure is returned, or reported to the listener. */
  virtual Status launch(Launching launching) = 0;
  /** Whether `launch` only sends a message, so that a thread that must not wait may call it. */
  [[nodiscard]] virtual bool launches_at_once() const { return false; }
  /**
   * Signals a command and everything that it started, wherever in the envelope. After the end of a command, SIGKILL
   * ends its processes that have outlived another signal.
   */
  virtual Status signal_tree(std::uint32_t run, int signal) = 0;
  /** SIGKILL to every process inside. */
  virtual Status kill_all() = 0;
  /** The directory that is its root, as the host sees it. */
  virtual Result<UniqueFd> open_root() = 0;
  /** The upper layers of its overlays, as the host finds them. */
  virtual std::vector<Layer> layers() { return {}; }
  /** Whether a folder of an overlay shows nothing of the source. `folder` is its path from the overlay on. */
  virtual Result<bool> is_opaque(const std::string& /*target*/, const std::string& /*folder*/) { return false; }
  /**
   * Applies the changes in overlays, named by their places in the session, to their sources. No process may run in the
   * session any more.
   */
  virtual Result<std::vector<AppliedChanges>> apply(const std::vector<std::string>& /*targets*/) {
    return SysError{
        .step = "apply", .syscall = "mount", .err = ENOTSUP, .detail = "an overlay is a copy on this system"};
  }
  virtual Result<Record> record() = 0;
  virtual Result<SessionUsage> usage() = 0;
  /** The paths looked up so far, as SeenPaths packs them. Empty without a trace. */
  [[nodiscard]] virtual std::vector<std::byte> seen_paths() const { return {}; }
  /** The running processes, parents first. */
  virtual Result<std::vector<SessionProcess>> processes() = 0;
  /** After `close` these are the counts at that time. Makes no system call if the plan has no limits. */
  virtual LimitsMet limits_met() = 0;
  /** As `full_tmp` in full_tmp.h. Called after a command that failed, on a thread that must not wait. */
  virtual std::optional<Limit> full_tmp() = 0;
  /** Comes before `close`, on a thread that must not wait: begins the end of processes, which then goes on by itself.
   */
  virtual void begin_close() {}
  /**
   * Kills all processes and takes everything away. A second call tries the rest; its report is empty if nothing is
   * left.
   */
  virtual CloseReport close() = 0;
  /** To be called after `close`: lets go of the mounts, which takes the kernel some time. */
  virtual void let_go() {}
};

}  // namespace buildjail
