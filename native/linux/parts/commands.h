#pragma once

#include "envelope/part.h"
#include "linux/session_namespaces.h"

namespace buildjail {

/** What runs inside. The last part: nothing that a process could use is taken away before all of them ended. */
class Commands final : public Part {
 public:
  explicit Commands(SessionNamespaces& inside) : inside_(inside) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway& taking) override { return inside_.end_processes(taking.trace); }

 private:
  SessionNamespaces& inside_;
};

}  // namespace buildjail
