#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/envelope.h"
#include "envelope/obstacle.h"
#include "launch/waiter.h"
#include "plan/plan.h"
#include "state/recovery.h"
#include "state/session_list.h"

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

}  // namespace buildjail
