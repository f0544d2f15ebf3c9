#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "freebsd/opening.h"
#include "freebsd/parts/jail_part.h"
#include "freebsd/rctl.h"

namespace buildjail {

/** The rules of rctl(8) on the jail of a session. They are there before the jail, and go after it. */
class Rules final : public Part {
 public:
  /** `jail` is its name. The rules of a dead session are there already. */
  explicit Rules(std::string jail, std::vector<std::string> rules = {})
      : jail_(std::move(jail)), rules_(std::move(rules)) {}
  static constexpr std::string_view kFacts = "rctl";
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_rest || (opening.limits.rules.empty() && opening.limits.share == 0)) return;
    parts.push_back(std::make_unique<Rules>(opening.jail_name, opening.limits.rules));
  }
  /** Of the session's own jail alone: rules that name no jail are those of the whole host (rctl(8)). */
  static Status add_left(const DeadJailSession& dead, Parts& parts) {
    for (const Fact& fact : dead.entry.facts) {
      if (fact.part != kFacts) continue;
      // defence: limits-journal-takes-away
      if (fact.value.empty() || fact.value != dead.entry.fact(JailPart::kFacts, JailPart::kName))
        return not_noted_by_us("it has rules on a jail that is not the session's own");
      parts.push_back(std::make_unique<Rules>(fact.value));
    }
    return {};
  }

  [[nodiscard]] std::string_view step() const override { return "rctl"; }
  [[nodiscard]] std::string_view target() const override { return jail_; }
  [[nodiscard]] std::vector<Fact> facts() const override { return {{std::string(kFacts), "jail", jail_}}; }

  Status make(Trace&) override {
    for (const std::string& rule : rules_) {
      if (auto status = add_rule(jail_, rule); !status) return status;
    }
    return {};
  }
  Status take_away(TakingAway&) override {
    // defence: limits-rules-go-session
    return remove_rules(jail_);
  }

 private:
  std::string jail_;
  std::vector<std::string> rules_;
};

}  // namespace buildjail
