#pragma once

#include <vector>

#include "envelope/part.h"
#include "linux/session_namespaces.h"
#include "plan/plan.h"

namespace buildjail {

/** What follows a base: the rest of the plan, and the root sealed. It goes with the namespaces. */
class Rest final : public Part {
 public:
  /** Both outlive it. */
  Rest(SessionNamespaces& inside, const std::vector<Step>& steps) : inside_(inside), steps_(steps) {}
  Status make(Trace& trace) override { return inside_.get()->complete(steps_, trace); }

 private:
  SessionNamespaces& inside_;
  const std::vector<Step>& steps_;
};

}  // namespace buildjail
