#pragma once

#include "envelope/part.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** The jail as the kernel may still know it when all else is gone. This is the first part, so that it comes last. */
class DyingJail final : public Part {
 public:
  explicit DyingJail(SessionJail& jail) : jail_(jail) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway&) override { return jail_.see_die(); }

 private:
  SessionJail& jail_;
};

}  // namespace buildjail
