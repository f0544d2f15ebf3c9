#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/trace.h"
#include "envelope/system.h"
#include "state/lessee.h"
#include "state/recovery.h"
#include "state/watcher.h"

namespace buildjail {

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
