#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "envelope/part.h"
#include "freebsd/opening.h"
#include "freebsd/rctl.h"

namespace buildjail {

/**
 * The rule that lets processes stand still when all together had more of the processors than they may. It goes before
 * the jail: who stands still does not end, and would otherwise do so until it has paid back (racctd). A recovery takes
 * it away with the other rules of the jail.
 */
class Throttle final : public Part {
 public:
  /** In hundredths of a processor. */
  Throttle(std::string jail, std::uint64_t share) : jail_(std::move(jail)), share_(share) {}
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_rest && opening.limits.share > 0)
      parts.push_back(std::make_unique<Throttle>(opening.jail_name, opening.limits.share));
  }

  [[nodiscard]] std::string_view step() const override { return "rctl"; }
  [[nodiscard]] std::string_view target() const override { return jail_; }
  Status make(Trace&) override { return add_rule(jail_, std::string(kResource) + ":deny=" + std::to_string(share_)); }
  Status take_away(TakingAway&) override { return remove_rules(jail_, kResource); }

 private:
  static constexpr const char* kResource = "pcpu";

  std::string jail_;
  std::uint64_t share_;
};

}  // namespace buildjail
