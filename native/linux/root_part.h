#pragma once

#include "base/result.h"
#include "base/trace.h"
#include "envelope/part.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * Pid 1 of the session, and with it the namespaces and all that is mounted in them (init/init.c): what the plan, or the
 * rest of a base, has in the root, and the seal of that. The rest goes with the namespaces of its base.
 */
class RootPart final : public Part {
 public:
  explicit RootPart(const NamespaceOpening& opening) : opening_(opening) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts);

  Status make(Trace& trace) override;
  Status take_away(TakingAway& taking) override;

 private:
  Status make_namespaces(Trace& trace);

  const NamespaceOpening& opening_;
};

}  // namespace buildjail
