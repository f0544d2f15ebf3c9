#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/output.h"
#include "envelope/part.h"
#include "linux/file_identity.h"
#include "linux/namespaces.h"
#include "linux/spare_networks.h"
#include "plan/plan.h"

namespace buildjail {

/** A network that was there before, where there is one for the session; and its own may go on to another after it. */
class NetworkPart final : public Part {
 public:
  /** All outlive it. `outputs`: all of the session's. */
  NetworkPart(const EnvelopePlan& plan, SpareNetworks& networks, std::vector<const OutputLease*> outputs)
      : plan_(plan), networks_(networks), outputs_(std::move(outputs)) {}

  Status make(Trace&) override {
    if (plan_.is_host_network || needs_user_namespace()) return {};
    heir_ = heir();
    network_ = networks_.take(heir_);
    return {};
  }
  /** After the last process in it has ended. */
  Status take_away(TakingAway&) override {
    if (is_used_) networks_.give_back(std::exchange(network_, {}), heir_);
    return {};
  }

  /** To be entered; empty where the session makes its own. */
  [[nodiscard]] const UniqueFd& space() const noexcept { return network_.space; }
  /** The session is in it, `init` for one. */
  void is_in_use(pid_t init) {
    is_used_ = true;
    if (!heir_.empty() && !network_) network_ = Network::of(init);
  }

 private:
  // Not of a build that is root, whom the kernel lets change more than counters (sysctl(8), net.*).
  [[nodiscard]] bool may_leave_network() const { return !plan_.is_base && plan_.user.uid != 0; }

  /** Which sessions may have its network after it: those with the same. Empty: none. */
  [[nodiscard]] std::string heir() const {
    if (!may_leave_network() || outputs_.empty()) return {};
    std::string heir = std::to_string(plan_.user.uid) + ":" + std::to_string(plan_.user.gid);
    for (const OutputLease* const output : outputs_) {
      const std::string identity = identity_of(output->directory(), output->before()->dev);
      if (identity.empty()) return {};
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
