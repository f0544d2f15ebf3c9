#pragma once

#include <cerrno>
#include <string>

#include "envelope/part.h"
#include "freebsd/jails.h"
#include "freebsd/networks.h"
#include "freebsd/opening.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/**
 * An interface of the host's, in the network of the session for as long as that is open. The kernel itself gives back
 * what is left in a network that it takes away, so that a recovery has nothing to do for it (vnet_if_return).
 */
class LentInterface final : public Part {
 public:
  /** Both outlive it. */
  LentInterface(SessionJail& jail, const std::string& name) : jail_(jail), name_(name) {}
  static void add_planned(const JailOpening& opening, Parts& parts) {
    const PlannedNetwork& network = opening.plan.network;
    if (!opening.is_rest && network.kind == PlannedNetwork::Kind::kInterface)
      parts.push_back(std::make_unique<LentInterface>(opening.jail, network.handed_in));
  }

  [[nodiscard]] std::string_view step() const override { return "network"; }
  [[nodiscard]] std::string_view target() const override { return name_; }
  Status make(Trace&) override {
    auto status = lend_interface(name_, jail_.jail->jid());
    is_lent_ = static_cast<bool>(status);
    return status;
  }
  /** After the jail was removed, which then is dying and may have another number. */
  Status take_away(TakingAway& taking) override {
    if (!is_lent_) return {};
    const auto found = find_jail(jail_.jail->name());
    if (!found) return found.error();
    // ENXIO: it comes back with the network, and so it does under another name that a build that is root gave it.
    if (*found) {
      if (auto status = take_interface_back(name_, (**found).jid); !status && status.error().err != ENXIO)
        return status;
    }
    is_lent_ = false;
    taking.trace.mark("network", name_);
    return {};
  }

 private:
  SessionJail& jail_;
  const std::string& name_;
  bool is_lent_ = false;
};

}  // namespace buildjail
