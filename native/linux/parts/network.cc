#include "linux/parts/network.h"

#include "linux/file_identity.h"
#include "linux/namespaces.h"

namespace buildjail {

Status NetworkPart::make(Trace&) {
  if (plan_.is_host_network || needs_user_namespace()) return {};
  heir_ = heir();
  network_ = networks_.take(heir_);
  return {};
}

void NetworkPart::is_in_use(pid_t init) {
  is_used_ = true;
  if (!heir_.empty() && !network_) network_ = Network::of(init);
}

Status NetworkPart::take_away(TakingAway&) {
  if (is_used_) networks_.give_back(std::exchange(network_, {}), heir_);
  return {};
}

// Not of a build that is root, whom the kernel lets change more than counters (sysctl(8), net.*).
bool NetworkPart::may_leave_network() const { return !plan_.is_base && plan_.user.uid != 0; }

std::string NetworkPart::heir() const {
  if (!may_leave_network() || outputs_.empty()) return {};
  std::string heir = std::to_string(plan_.user.uid) + ":" + std::to_string(plan_.user.gid);
  for (const OutputLease* const output : outputs_) {
    const std::string identity = identity_of(output->directory(), output->before()->dev);
    if (identity.empty()) return {};
    heir += " " + identity;
  }
  return heir;
}

}  // namespace buildjail
