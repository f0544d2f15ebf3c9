#pragma once

#include <cstddef>

#include "base/result.h"
#include "linux/init_calls.h"
#include "linux/root_contents.h"
#include "linux/sources.h"
#include "plan/plan.h"

namespace buildjail {

struct NamespaceOpening;

/** What a plan, or the rest of a base, has made and mounted in a session's root, as calls for init. */
class RootSteps {
 public:
  /** All must outlive the calls. */
  RootSteps(const NamespaceOpening& opening, const SourceOwners& owners);

  /** Copies the sources, where this process does that, and adds the calls. */
  Status add_to(InitCalls& calls);

 private:
  Status add(const Step& step, InitCalls& calls);
  Status add_source(const Bind& bind, InitCalls& calls);
  void add_points(const Bind& overlay, const Bind& nested, InitCalls& calls);

  const NamespaceOpening& opening_;
  const SourceOwners& owners_;
  /** Not made yet. */
  std::size_t overlays_;
};

}  // namespace buildjail
