#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/output.h"
#include "envelope/part.h"
#include "linux/file_identity.h"
#include "linux/handed_in_network.h"
#include "linux/host.h"
#include "linux/namespaces.h"
#include "linux/spare_networks.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The session's network: one that was handed in, or one that was made ahead, where there is one. The latter may go on
 * to another session.
 */
class NetworkPart final : public Part {
 public:
  /** All outlive it. `outputs`: all of the session's. */
  NetworkPart(const EnvelopePlan& plan, LinuxHost& host, std::vector<const OutputLease*> outputs)
      : plan_(plan), networks_(has_loopback() ? host.loopbacks : host.networks), outputs_(std::move(outputs)) {}

  Status make(Trace&) override {
    if (plan_.network.is_handed_in()) {
      auto opened = open_network(plan_.network.handed_in);
      if (!opened) return std::move(opened.error());
      network_.space = std::move(*opened);
      return {};
    }
    if (plan_.network.is_host() || makes_own_user_space()) return {};
    heir_ = heir();
    network_ = networks_.take(heir_);
    return {};
  }
  /** After the last process in it has ended. */
  Status take_away(TakingAway&) override {
    if (is_used_) networks_.give_back(std::exchange(network_, {}), heir_);
    return {};
  }

  /** The network to enter; empty where the session makes its own. */
  [[nodiscard]] const UniqueFd& space() const noexcept { return network_.space; }
  /** The session makes its own, and has to bring up its loopback. */
  [[nodiscard]] bool lacks_loopback() const { return has_loopback() && !network_; }
  /** The session's init is in it. */
  void is_in_use(pid_t init) {
    is_used_ = true;
    if (!heir_.empty() && !network_) network_ = Network::of(init);
  }

 private:
  [[nodiscard]] bool has_loopback() const { return plan_.network.kind == PlannedNetwork::Kind::kLoopback; }
  // Not of a build that is root, whom the kernel lets change more than counters (sysctl(8), net.*).
  [[nodiscard]] bool may_leave_network() const {
    // defence: network-root-goes-nobody
    if (plan_.user.uid == 0) return false;
    return !plan_.is_base;
  }

  /** Another session may have this network after this one if it has the same heir. Empty: none may. */
  [[nodiscard]] std::string heir() const {
    if (!may_leave_network() || outputs_.empty()) return {};
    // defence: network-goes-same-build
    std::string heir = std::to_string(plan_.user.uid) + ":" + std::to_string(plan_.user.gid);
    for (const OutputLease* const output : outputs_) {
      const std::string identity = identity_of(output->directory(), output->before()->dev);
      if (identity.empty()) return {};
      // defence: network-goes-sessions-same
      heir += " " + identity;
    }
    return heir;
  }

  const EnvelopePlan& plan_;
  SpareNetworks& networks_;
  std::vector<const OutputLease*> outputs_;
  std::string heir_;
  Network network_;
  bool is_used_ = false;
};

}  // namespace buildjail
