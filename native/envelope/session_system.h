#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/trace.h"
#include "envelope/system.h"
#include "state/recovery.h"
#include "state/watcher.h"

namespace buildjail {

/** A system that sessions run on. What comes before an opening, and after it, is the same on each. */
class SessionSystem : public System {
 public:
  Result<std::unique_ptr<Envelope>> open(SharedPlan plan, const std::string& id,
                                         std::shared_ptr<Waiter> waiter) final;
  Result<std::vector<ListedSession>> list(const std::string& state_directory) override {
    return list_sessions(state_directory);
  }
  void shut_down() override { watcher_.end(); }

 protected:
  /** As Watcher's. */
  explicit SessionSystem(const char* (*let_go)()) : watcher_(let_go) {}

  /** Finds out about the host what need be found out once, and whether it can do what the plan says. */
  virtual Status prepare(const EnvelopePlan& plan) = 0;
  /** The state directory is there from here on. */
  virtual Status hold_state(const std::string& state_directory) = 0;
  virtual Recovery recovery(const std::string& state_directory) = 0;
  /** After all of these. */
  virtual Result<std::unique_ptr<Envelope>> make(SharedPlan plan, const std::string& id,
                                                 std::shared_ptr<Waiter> waiter, Trace trace) = 0;

 private:
  /** Before the first session of this environment in a state directory. */
  void recover_first(const std::string& state_directory, Trace& trace);

  std::mutex recovering_;
  std::set<std::string> recovered_;
  Watcher watcher_;
};

}  // namespace buildjail
