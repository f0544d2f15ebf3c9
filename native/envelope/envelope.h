#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/credentials.h"
#include "launch/waiter.h"
#include "launch/launch_request.h"
#include "plan/plan.h"
#include "state/recovery.h"
#include "base/result.h"
#include "state/session_list.h"
#include "launch/stdio_ends.h"
#include "base/trace.h"

namespace buildjail {

/** One line of the mount table. */
struct MountEntry {
  std::string type;
  std::string from;
  std::string on;
  /** As unmount(2) takes it: `FSID:0:1`. Empty where there is none. */
  std::string fsid;
  std::vector<std::string> flags;
};

/** A kind (`mnt`, `pid`, ...) and the number that tells two of the kind apart. */
using NamespaceEntry = std::pair<std::string, std::uint64_t>;

using ParameterValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

/** What the kernel says an envelope is. */
struct Record {
  std::string root;
  /** FreeBSD: every parameter of the jail. */
  std::vector<std::pair<std::string, ParameterValue>> jail;
  std::vector<MountEntry> mounts;
  /** Linux: what it is made of. */
  std::vector<NamespaceEntry> namespaces;
  /** Who a command is. */
  std::optional<Credentials> process;
};

struct CloseReport {
  Trace trace;
  std::vector<SysError> failures;
};

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
  /** Whether `launch` does no more than to tell somebody else, so that it may be called on a thread that must not wait. */
  [[nodiscard]] virtual bool launches_at_once() const { return false; }
  /** Signals a command and everything it started, wherever that has gone in the envelope. */
  virtual Status signal_tree(std::uint32_t run, int signal) = 0;
  /** SIGKILL to every process inside. */
  virtual Status kill_all() = 0;
  virtual Result<Record> record() = 0;
  /** Comes before `close`, on a thread that must not wait: begins what then goes on by itself. */
  virtual void begin_close() {}
  /** Kills and takes away everything. Again: tries what is left; where that is nothing, nothing is reported. */
  virtual CloseReport close() = 0;
};

/** Something that keeps envelopes from being opened, or from more than that, and the one thing to do about it. */
struct Obstacle {
  std::string check;
  std::string problem;
  std::string remedy;
};

/** The running system: what it is missing, what it opens, and what of it need be found out only once. */
class System {
 public:
  /** Defined by each system's folder. */
  static std::unique_ptr<System> create();
  virtual ~System() = default;
  System() = default;
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  System(System&&) = delete;
  System& operator=(System&&) = delete;

  /** `freebsd`, `linux` or `unsupported`. */
  [[nodiscard]] virtual const char* name() const = 0;
  virtual std::vector<Obstacle> find_obstacles() = 0;
  /** What envelopes can be opened without, but somebody may miss. */
  virtual std::vector<Obstacle> find_limitations() { return {}; }
  /** Makes everything a plan says; on failure what was made is undone. Any thread. */
  virtual Result<std::unique_ptr<Envelope>> open(SharedPlan plan, const std::string& id,
                                                 std::shared_ptr<Waiter> waiter) = 0;
  /** Takes away what dead sessions left in a state directory; also done before the first open in it. Any thread. */
  virtual RecoveryReport recover(const std::string& state_directory) = 0;
  /** Live sessions and dead ones. Any thread. */
  virtual Result<std::vector<ListedSession>> list(const std::string& state_directory) = 0;
  /** Nothing is opened any more. Again: nothing to do. */
  virtual void shut_down() {}
};

}  // namespace buildjail
