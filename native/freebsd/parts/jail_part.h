#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/session_jail.h"
#include "plan/plan.h"

namespace buildjail {

/** The jail itself. */
class JailPart final : public Part {
 public:
  /** All outlive it. */
  JailPart(SessionJail& jail, const EnvelopePlan& plan, const std::string& id, const JailAbilities& abilities)
      : jail_(jail), plan_(plan), id_(id), name_(name_of(plan, id)), abilities_(abilities) {}

  [[nodiscard]] std::string_view step() const override { return "jail_set"; }
  [[nodiscard]] std::string_view target() const override { return name_; }
  [[nodiscard]] std::vector<Fact> facts() const override { return {{kFacts, kName, name_}}; }

  Status make(Trace&) override {
    auto made = Jail::create({.name = name_,
                              .path = jail_.root,
                              .dev = jail_.root_dev,
                              .ino = jail_.root_ino,
                              .hostname = plan_.hostname,
                              .network = network_of(plan_),
                              .devfs_ruleset = jail_.devfs_ruleset,
                              .meta = "buildjail=" + id_},
                             abilities_);
    if (!made) return std::move(made.error());
    jail_.jail.emplace(std::move(*made));
    return {};
  }
  Status take_away(TakingAway& taking) override { return jail_.end_processes(taking.trace); }

  static std::string name_of(const EnvelopePlan& plan, const std::string& id) {
    return "bj-" + (plan.name.empty() ? "" : plan.name + "-") + id;
  }

  static JailConfig::Network network_of(const EnvelopePlan& plan) {
    using Kind = PlannedNetwork::Kind;
    if (plan.network.kind == Kind::kNone) return JailConfig::Network::kNone;
    // defence: network-jail-own-loopback
    return plan.network.is_host() ? JailConfig::Network::kHost : JailConfig::Network::kOwn;
  }

  static constexpr const char* kFacts = "jail";
  static constexpr const char* kName = "name";

 private:
  SessionJail& jail_;
  const EnvelopePlan& plan_;
  const std::string& id_;
  std::string name_;
  const JailAbilities& abilities_;
};

}  // namespace buildjail
