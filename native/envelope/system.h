#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "envelope/envelope.h"
#include "envelope/obstacle.h"
#include "launch/waiter.h"
#include "plan/plan.h"
#include "state/lease.h"
#include "state/recovery.h"
#include "state/watcher.h"

namespace buildjail {

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

/** A system on which sessions run. All such systems do the same before an opening and after it. */
class SessionSystem : public System {
 public:
  Result<std::unique_ptr<Envelope>> open(SharedPlan plan, const std::string& id, std::shared_ptr<Waiter> waiter) final;
  Result<std::vector<ListedSession>> list(const std::string& state_directory) override {
    return list_sessions(state_directory);
  }
  void shut_down() override { watcher_.end(); }

 protected:
  using RecoveryOf = Recovery (*)(const std::string& state_directory);

  /** `let_go` is as Watcher's. */
  SessionSystem(const char* (*let_go)(), RecoveryOf recovery_of) : recovery_of_(recovery_of), watcher_(let_go) {}

  /** Looks at the host, once for all sessions. Refuses a plan that this host cannot do. */
  virtual Status prepare(const EnvelopePlan& plan) = 0;
  /** The state directory is there from here on. */
  virtual Status hold_state(const std::string& state_directory) = 0;
  /** Comes after all of these. */
  virtual Result<std::unique_ptr<Envelope>> make(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                 Trace trace) = 0;

 private:
  /** Before the first session of this environment in a state directory. */
  void recover_first(const std::string& state_directory, Trace& trace);

  RecoveryOf recovery_of_;
  std::mutex recovering_;
  std::set<std::string> recovered_;
  Watcher watcher_;
};

}  // namespace buildjail
