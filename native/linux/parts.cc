#include "linux/parts.h"

#include <memory>
#include <utility>
#include <vector>

#include "linux/ids.h"

namespace buildjail {

void IdsPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (opening.is_rest || has_callers_id_only()) return;
  parts.push_back(std::make_unique<IdsPart>(opening.host.user_namespaces, opening.plan, opening.lessee, opening.ids));
}

void CgroupPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (!opening.is_rest && !opening.cgroup.is_none()) parts.push_back(std::make_unique<CgroupPart>(opening.cgroup));
}

void NetworkPart::add_planned(NamespaceOpening& opening, Parts& parts) {
  if (opening.is_rest) return;
  const std::vector<const OutputLease*> outputs(opening.leases.begin(), opening.leases.end());
  auto network =
      std::make_unique<NetworkPart>(opening.plan, opening.host.spare_networks(opening.plan.network), outputs);
  opening.network = network.get();
  parts.push_back(std::move(network));
}

void InitPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (opening.is_rest) return;
  parts.push_back(std::make_unique<InitPart>(opening.inside, opening.plan, opening.host,
                                             EarlierParts{.network = *opening.network,
                                                          .ids = opening.ids,
                                                          .cgroup = opening.cgroup,
                                                          .journal = opening.journal,
                                                          .nesting = opening.nesting}));
}

void LimitsPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (!opening.is_rest && !opening.cgroup.is_none()) parts.push_back(std::make_unique<LimitsPart>(opening.cgroup));
}

void RestPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (!opening.is_rest) return;
  parts.push_back(
      std::make_unique<RestPart>(opening.inside, opening.steps, opening.nesting, opening.ids, opening.plan.user));
}

}  // namespace buildjail
