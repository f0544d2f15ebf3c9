#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "freebsd/rctl.h"

namespace buildjail {

/** The rules of rctl(8) on the jail of a session. They are there before the jail, and go after it. */
class Rules final : public Part {
 public:
  /** `jail` is its name. None of a dead session: they are there already. */
  explicit Rules(std::string jail, std::vector<std::string> rules = {})
      : jail_(std::move(jail)), rules_(std::move(rules)) {}

  [[nodiscard]] std::string_view step() const override { return "rctl"; }
  [[nodiscard]] std::string_view target() const override { return jail_; }
  [[nodiscard]] std::vector<Fact> facts() const override { return {{kFacts, kJail, jail_}}; }

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

  static constexpr const char* kFacts = "rctl";
  static constexpr const char* kJail = "jail";

 private:
  std::string jail_;
  std::vector<std::string> rules_;
};

}  // namespace buildjail
