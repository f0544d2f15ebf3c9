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
  /** `jail` outlives it. The jail of a dead session exists already. */
  JailPart(SessionJail& jail, std::string name, Act::Make make = {})
      : jail_(jail), name_(std::move(name)), make_(std::move(make)) {}
  static constexpr std::string_view kFacts = "jail";
  static constexpr std::string_view kName = "name";
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_rest) return;
    auto make = [&jail = opening.jail, &plan = opening.plan, &name = opening.jail_name, &id = opening.lessee.session.id,
                 &abilities = opening.host.abilities]() -> Status {
      auto made = Jail::create({.name = name,
                                .path = jail.root,
                                .hostname = plan.hostname,
                                .network = plan.network,
                                .devfs_ruleset = jail.devfs_ruleset,
                                .meta = "buildjail=" + id},
                               abilities);
      if (!made) return std::move(made.error());
      jail.jail = std::move(*made);
      return {};
    };
    parts.push_back(std::make_unique<JailPart>(opening.jail, opening.jail_name, std::move(make)));
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

  Status make(Trace&) override { return make_(); }
  Status take_away(TakingAway& taking) override { return jail_.end_processes(taking); }

 private:
  SessionJail& jail_;
  std::string name_;
  Act::Make make_;
};

/**
 * The jail as the kernel may still know it when everything else is gone. This is one of the first parts, so that
 * nothing waits for it: a build can have the kernel keep its jail for ever (see_die), and build users are few.
 */
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

/** 127.0.0.1 and ::1 in a jail's own network stack. They go with the stack. */
struct Loopback : Part {
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_rest || !has_own_stack(opening.plan.network)) return;
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
 * An interface of the host in the network of the session, for as long as that is open. The kernel itself gives back the
 * interfaces of a network that it removes, so a recovery has nothing to do here (vnet_if_return).
 */
struct LentInterface : Part {
  static void add_planned(const JailOpening& opening, Parts& parts) {
    const PlannedNetwork& network = opening.plan.network;
    if (opening.is_rest || network.kind != PlannedNetwork::Kind::kInterface) return;
    auto make = [&jail = opening.jail, &name = network.handed_in] {
      return move_interface(name, jail.jail->jid(), Moving::kIn);
    };
    // After the jail was removed, which then is dying and may have another number.
    auto take_away = [&jail = opening.jail, &name = network.handed_in](TakingAway& taking) -> Status {
      const auto found = find_jail(jail.jail->name());
      if (!found) return found.error();
      if (*found) {
        const auto status = move_interface(name, (**found).jid, Moving::kBack);
        // ENXIO: the host destroyed it, or it went back with its network. A build cannot rename it.
        if (!status && status.error().err != ENXIO) return status;
      }
      taking.trace.mark("network", name);
      return {};
    };
    parts.push_back(std::make_unique<Act>("network", network.handed_in, std::move(make), std::move(take_away)));
  }
};

}  // namespace buildjail
