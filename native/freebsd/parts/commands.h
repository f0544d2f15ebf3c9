#pragma once

#include "envelope/part.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** What runs in the jail. The last part: nothing that a process could use is taken away before all of them ended. */
class Commands final : public Part {
 public:
  explicit Commands(SessionJail& jail) : jail_(jail) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway& taking) override { return jail_.end_processes(taking.trace); }

 private:
  SessionJail& jail_;
};

}  // namespace buildjail
