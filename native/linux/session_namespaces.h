#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "launch/host_terminal.h"
#include "launch/stdio_ends.h"
#include "launch/waiter.h"
#include "linux/namespaces.h"
#include "linux/opening.h"
#include "linux/session_cgroup.h"
#include "plan/plan.h"
#include "state/journal.h"

namespace buildjail {

/** The namespaces of a session, from their making until no process is in them any more. Any thread may call it. */
class SessionNamespaces {
 public:
  /** `owner` is the number that the waiter has for the session's commands. */
  SessionNamespaces(std::shared_ptr<Waiter> waiter, std::uint64_t owner) : waiter_(std::move(waiter)), owner_(owner) {}

  /** From here on the waiter reads the answers of init. */
  Status set(Namespaces made);
  /** Null while there are no namespaces. */
  [[nodiscard]] std::shared_ptr<Namespaces> get() const {
    const std::lock_guard lock(mutex_);
    return namespaces_;
  }
  /** Ends init, and waits until every process has ended with it. Does nothing the second time. */
  Status end_processes(Trace& trace);

 private:
  std::shared_ptr<Waiter> waiter_;
  std::uint64_t owner_;
  mutable std::mutex mutex_;
  std::shared_ptr<Namespaces> namespaces_;
};

/**
 * Opens a terminal of a session's own /dev/pts, so that it has a name there. `root` is the path of the session's root.
 * Returns the master, and puts the other side into `ends` for the command.
 */
Result<UniqueFd> open_terminal(const std::string& root, const CommandTerminal& terminal, StdioEnds& ends);

/** Pid 1 of the session, and with it the namespaces and all that is mounted in them (init/init.c). */
class InitPart final : public PassingPart {
 public:
  explicit InitPart(const NamespaceOpening& opening)
      : inside_(opening.inside),
        plan_(opening.plan),
        host_(opening.host),
        network_(*opening.network),
        ids_(opening.ids),
        cgroup_(opening.cgroup),
        journal_(opening.journal),
        nesting_(opening.nesting) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts) {
    if (!opening.is_rest) parts.push_back(std::make_unique<InitPart>(opening));
  }

  Status make(Trace& trace) override;
  Status take_away(TakingAway& taking) override { return inside_.end_processes(taking.trace); }

 private:
  SessionNamespaces& inside_;
  const EnvelopePlan& plan_;
  LinuxHost& host_;
  NetworkPart& network_;
  const SessionIds& ids_;
  const SessionCgroup& cgroup_;
  const Journal& journal_;
  const Nesting& nesting_;
};

/** The rest of a plan that was a base, and the seal of the root. It goes with the namespaces. */
class RestPart final : public PassingPart {
 public:
  explicit RestPart(const NamespaceOpening& opening)
      : inside_(opening.inside),
        steps_(opening.steps),
        nesting_(opening.nesting),
        ids_(opening.ids),
        user_(opening.plan.user) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts) {
    if (opening.is_rest) parts.push_back(std::make_unique<RestPart>(opening));
  }

  Status make(Trace& trace) override { return inside_.get()->complete(steps_, nesting_, ids_, user_, trace); }

 private:
  SessionNamespaces& inside_;
  const std::vector<Step>& steps_;
  const Nesting& nesting_;
  const SessionIds& ids_;
  const BuildUser& user_;
};

}  // namespace buildjail
