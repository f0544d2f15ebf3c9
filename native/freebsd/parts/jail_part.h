#pragma once

#include <string>
#include <vector>

#include "envelope/part.h"
#include "freebsd/jail_abilities.h"
#include "freebsd/session_jail.h"
#include "plan/plan.h"

namespace buildjail {

/** The jail itself. */
class JailPart final : public Part {
 public:
  /** All outlive it but `id`. */
  JailPart(SessionJail& jail, const EnvelopePlan& plan, std::string id, const JailAbilities& abilities);

  [[nodiscard]] std::string_view step() const override { return "jail_set"; }
  [[nodiscard]] std::string_view target() const override { return name_; }
  [[nodiscard]] std::vector<Fact> facts() const override { return {{kFacts, kName, name_}}; }
  Status make(Trace& trace) override;
  Status take_away(TakingAway& taking) override { return jail_.end_processes(taking.trace); }

  static constexpr const char* kFacts = "jail";
  static constexpr const char* kName = "name";

 private:
  SessionJail& jail_;
  const EnvelopePlan& plan_;
  std::string id_;
  std::string name_;
  const JailAbilities& abilities_;
};

}  // namespace buildjail
