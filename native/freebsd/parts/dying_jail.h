#pragma once

#include "envelope/part.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** What the kernel still knows of the jail when all else is gone. The first part, so that it is looked at last. */
class DyingJail final : public Part {
 public:
  explicit DyingJail(SessionJail& jail) : jail_(jail) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway&) override { return jail_.see_die(); }

 private:
  SessionJail& jail_;
};

}  // namespace buildjail
