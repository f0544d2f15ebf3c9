#pragma once

#include "envelope/part.h"
#include "freebsd/networks.h"
#include "freebsd/opening.h"
#include "freebsd/parts/jail_part.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** 127.0.0.1 and ::1 in a jail's own network stack. The kernel takes them away with that. */
class Loopback final : public Part {
 public:
  explicit Loopback(SessionJail& jail) : jail_(jail) {}
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_rest && JailPart::network_of(opening.plan) == JailConfig::Network::kOwn)
      parts.push_back(std::make_unique<Loopback>(opening.jail));
  }

  [[nodiscard]] std::string_view step() const override { return "network"; }
  [[nodiscard]] std::string_view target() const override { return "lo0"; }
  Status make(Trace&) override {
    auto held = bring_up_loopback(jail_.jail->reference());
    if (!held) return std::move(held.error());
    jail_.network = std::move(*held);
    return {};
  }

 private:
  SessionJail& jail_;
};

}  // namespace buildjail
