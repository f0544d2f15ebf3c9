#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/copying.h"
#include "base/result.h"
#include "base/trace.h"
#include "envelope/envelope.h"
#include "launch/waiter.h"
#include "network/network_event.h"
#include "plan/plan.h"
#include "state/lease.h"
#include "state/recovery.h"
#include "state/watcher.h"

namespace buildjail {

/** An obstacle to opening sessions, or to a part of what they can do, and the one remedy. */
struct Obstacle {
  std::string check;
  std::string problem;
  std::string remedy;
};

/** The running system: it opens envelopes, and reports what it lacks for that. */
class System {
 public:
  /** Each system's folder defines it. `listener` gets the connections of all sessions with a network of names. */
  static std::unique_ptr<System> create(NetworkListener listener);
  virtual ~System() = default;
  System& operator=(System&&) = delete;

  virtual std::vector<Obstacle> find_obstacles() = 0;
  /** Abilities that sessions lack here, though they can be opened. */
  virtual std::vector<Obstacle> find_limitations() = 0;
  /** Makes an envelope from a plan. A failure takes everything away again. Any thread. ECANCELED if it was stopped. */
  Result<std::unique_ptr<Envelope>> open(SharedPlan plan, const std::string& id, std::shared_ptr<Waiter> waiter,
                                         const Copying& copying);
  /** The live sessions and the dead ones. Any thread. */
  virtual Result<std::vector<ListedSession>> list(const std::string& state_directory) {
    return list_sessions(state_directory);
  }
  /** No envelope is opened any more. A second call does nothing. */
  virtual void shut_down() { watcher_.end(); }

 protected:
  System() = default;

  /** Looks at the host, once for all sessions. Refuses a plan that this host cannot perform. */
  virtual Status prepare(const EnvelopePlan& plan) = 0;
  /** Makes the state directory, if it is missing. */
  virtual Status hold_state(const std::string& state_directory) = 0;
  /** Makes the envelope, after the other steps. */
  virtual Result<std::unique_ptr<Envelope>> make(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                 Trace trace, const Copying& copying) = 0;

 private:
  /** Recovers a state directory, before the first session of this environment in it. */
  void recover_first(const std::string& state_directory, const std::string& leases, Trace& trace);

  std::mutex recovering_;
  std::set<std::string> recovered_;
  Watcher watcher_;
};

}  // namespace buildjail
