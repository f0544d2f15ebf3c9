#pragma once

#include "envelope/part.h"
#include "freebsd/networks.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** The jail as the kernel may still know it when all else is gone. This is the first part, so that it comes last. */
class DyingJail final : public Part {
 public:
  /** Both outlive it. */
  DyingJail(SessionJail& jail, DyingNetworks& networks) : jail_(jail), networks_(networks) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway& taking) override {
    if (!jail_.network) return jail_.see_die();
    networks_.add(jail_.jail->name());
    auto status = jail_.see_die();
    taking.trace.mark("network-left", jail_.jail->name());
    return status;
  }

 private:
  SessionJail& jail_;
  DyingNetworks& networks_;
};

}  // namespace buildjail
