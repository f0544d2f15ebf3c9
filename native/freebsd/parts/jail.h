#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/jails.h"
#include "freebsd/networks.h"
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
    dead.jail.jail = std::make_unique<Jail>(name, **found);
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
    jail_.jail = std::move(*made);
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

/** The jail as the kernel may still know it when all else is gone. So this is one of the first parts. */
struct DyingJail : Part {
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_rest) return;
    auto take_away = [&jail = opening.jail, &networks = opening.host.dying_networks](TakingAway& taking) {
      if (!jail.network) return jail.see_die();
      networks.add(jail.jail->name());
      auto status = jail.see_die();
      taking.trace.mark("network-left", jail.jail->name());
      return status;
    };
    parts.push_back(std::make_unique<Act>("", "", Act::Make(), std::move(take_away)));
  }
};

/** 127.0.0.1 and ::1 in a jail's own network stack. The kernel takes them away with that. */
struct Loopback : Part {
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_rest || JailPart::network_of(opening.plan) != JailConfig::Network::kOwn) return;
    auto make = [&jail = opening.jail]() -> Status {
      auto held = bring_up_loopback(jail.jail->reference());
      if (!held) return std::move(held.error());
      jail.network = std::move(*held);
      return {};
    };
    parts.push_back(std::make_unique<Act>("network", "lo0", std::move(make)));
  }
};

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
    auto status = move_interface(name_, jail_.jail->jid(), Moving::kIn);
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
      if (auto status = move_interface(name_, (**found).jid, Moving::kBack); !status && status.error().err != ENXIO)
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
