#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "linux/session_namespaces.h"
#include "plan/nesting.h"
#include "plan/plan.h"

namespace buildjail {

/** The rest of a plan that was a base, and the seal of the root. It goes with the namespaces. */
class Rest final : public Part {
 public:
  /** What is referred to outlives it; `outside` as of Namespaces::complete. */
  Rest(SessionNamespaces& inside, const std::vector<Step>& steps, const Nesting& nesting,
       std::optional<BuildUser> outside)
      : inside_(inside), steps_(steps), nesting_(nesting), outside_(std::move(outside)) {}
  Status make(Trace& trace) override { return inside_.get()->complete(steps_, nesting_, outside_, trace); }

 private:
  SessionNamespaces& inside_;
  const std::vector<Step>& steps_;
  const Nesting& nesting_;
  std::optional<BuildUser> outside_;
};

}  // namespace buildjail
