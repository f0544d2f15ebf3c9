#pragma once

#include "envelope/part.h"
#include "freebsd/networks.h"
#include "freebsd/opening.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** The jail as the kernel may still know it when all else is gone. So this is one of the first parts. */
class DyingJail final : public Part {
 public:
  /** Both outlive it. */
  DyingJail(SessionJail& jail, DyingNetworks& networks) : jail_(jail), networks_(networks) {}
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_rest) parts.push_back(std::make_unique<DyingJail>(opening.jail, opening.host.dying_networks));
  }

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
