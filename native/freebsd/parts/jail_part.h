#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/opening.h"
#include "freebsd/session_jail.h"
#include "plan/plan.h"

namespace buildjail {

/** The jail itself. */
class JailPart final : public Part {
 public:
  /** `id` is that of the session. All others outlive it. */
  JailPart(SessionJail& jail, const EnvelopePlan& plan, const std::string& id, const JailAbilities& abilities)
      : jail_(jail), name_(name_of(plan, id)), plan_(&plan), id_(id), abilities_(&abilities) {}
  /** Of a dead session. */
  JailPart(SessionJail& jail, std::string name) : jail_(jail), name_(std::move(name)) {}
  static constexpr std::string_view kFacts = "jail";
  static constexpr std::string_view kName = "name";
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_rest) return;
    parts.push_back(
        std::make_unique<JailPart>(opening.jail, opening.plan, opening.lessee.session.id, opening.host.abilities));
  }
  /** Only a jail that has both the name and the root that the session noted. */
  static Status add_left(DeadJailSession& dead, Parts& parts) {
    const std::string name(dead.entry.fact(kFacts, kName));
    const auto found = find_jail(name);
    if (!found) return found.error();
    if (!*found) return {};
    const std::string& path = (**found).path;
    if (path != dead.jail.root) {
      dead.leftovers.push_back({path, "the jail " + name + " has this root, which is not that session's"});
      return {};
    }
    dead.jail.jail.emplace(name, **found);
    parts.push_back(std::make_unique<JailPart>(dead.jail, name));
    return {};
  }

  [[nodiscard]] std::string_view step() const override { return "jail_set"; }
  [[nodiscard]] std::string_view target() const override { return name_; }
  [[nodiscard]] std::vector<Fact> facts() const override { return {{std::string(kFacts), std::string(kName), name_}}; }

  Status make(Trace&) override {
    auto made = Jail::create({.name = name_,
                              .path = jail_.root,
                              .dev = jail_.root_dev,
                              .ino = jail_.root_ino,
                              .hostname = plan_->hostname,
                              .network = network_of(*plan_),
                              .devfs_ruleset = jail_.devfs_ruleset,
                              .meta = "buildjail=" + id_},
                             *abilities_);
    if (!made) return std::move(made.error());
    jail_.jail.emplace(std::move(*made));
    return {};
  }
  Status take_away(TakingAway& taking) override { return jail_.end_processes(taking); }

  static std::string name_of(const EnvelopePlan& plan, const std::string& id) {
    return "bj-" + (plan.name.empty() ? "" : plan.name + "-") + id;
  }

  static JailConfig::Network network_of(const EnvelopePlan& plan) {
    using Kind = PlannedNetwork::Kind;
    if (plan.network.kind == Kind::kNone) return JailConfig::Network::kNone;
    // defence: network-jail-own-loopback
    return plan.network.is_host() ? JailConfig::Network::kHost : JailConfig::Network::kOwn;
  }

 private:
  SessionJail& jail_;
  std::string name_;
  // Null and empty of a dead session.
  const EnvelopePlan* plan_ = nullptr;
  std::string id_;
  const JailAbilities* abilities_ = nullptr;
};

}  // namespace buildjail
