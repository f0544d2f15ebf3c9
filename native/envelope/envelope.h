#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/sys_error.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "envelope/accounting.h"
#include "envelope/record.h"
#include "envelope/walk.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"
#include "launch/waiter.h"
#include "plan/plan.h"

namespace buildjail {

// The errors of an envelope that is in the wrong state for a call. `syscall` names the call that was not made.

inline SysError session_closed(const char* step, const char* syscall, int err = ECANCELED) {
  return {.step = step, .syscall = syscall, .err = err, .path = {}, .dest = {}, .detail = "the session is closed"};
}

/** No command runs in a root that is not sealed: it may still lead to the host's. */
inline SysError session_incomplete(const char* step, const char* syscall) {
  return {
      .step = step, .syscall = syscall, .err = EINVAL, .path = {}, .dest = {}, .detail = "the session is not complete"};
}

inline SysError session_complete(const char* step, const char* syscall) {
  return {
      .step = step, .syscall = syscall, .err = EALREADY, .path = {}, .dest = {}, .detail = "the session is complete"};
}

/** A command on its way into an envelope. */
struct Launching {
  LaunchRequest request;
  StdioEnds ends;
  /** Called from the moment of the launch on; not at all where that fails. */
  CommandListener listener;
};

/** What a plan was made into: on FreeBSD a jail and its mounts, on Linux namespaces. Calls may come from any thread,
 * one at a time but for `close`. */
class Envelope {
 public:
  virtual ~Envelope() = default;
  Envelope() = default;
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;
  Envelope(Envelope&&) = delete;
  Envelope& operator=(Envelope&&) = delete;

  [[nodiscard]] virtual const Trace& trace() const = 0;
  /**
   * Performs the rest of a plan of which it was opened with the base, and seals the root. Until then nothing can be
   * launched, and once it has failed nothing ever.
   */
  virtual Status complete(std::vector<Step> rest) = 0;
  /** Begins a launch. That it failed may be told here or to the listener. */
  virtual Status launch(Launching launching) = 0;
  /** Whether `launch` does no more than to tell somebody else, so that it may be called on a thread that must not wait.
   */
  [[nodiscard]] virtual bool launches_at_once() const { return false; }
  /**
   * Signals a command and everything it started, wherever that has gone in the envelope. SIGKILL once more after the
   * command's end: what of it has outlived another signal.
   */
  virtual Status signal_tree(std::uint32_t run, int signal) = 0;
  /** SIGKILL to every process inside. */
  virtual Status kill_all() = 0;
  /** The directory that is its root, as the host sees it. */
  virtual Result<UniqueFd> open_root() = 0;
  virtual Result<Record> record() = 0;
  virtual Result<SessionUsage> usage() = 0;
  /** Also after `close`, as of then. Costs nothing where the plan has no limits. */
  virtual LimitsMet limits_met() = 0;
  /** Comes before `close`, on a thread that must not wait: begins what then goes on by itself. */
  virtual void begin_close() {}
  /** Kills and takes away everything. Again: tries what is left; where that is nothing, nothing is reported. */
  virtual CloseReport close() = 0;
};

}  // namespace buildjail
