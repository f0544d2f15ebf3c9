#include "freebsd/parts/jail_part.h"

#include <utility>

namespace buildjail {

JailPart::JailPart(SessionJail& jail, const EnvelopePlan& plan, std::string id, const JailAbilities& abilities)
    : jail_(jail),
      plan_(plan),
      id_(std::move(id)),
      name_("bj-" + (plan.name.empty() ? "" : plan.name + "-") + id_),
      abilities_(abilities) {}

Status JailPart::make(Trace&) {
  auto made = Jail::create({.name = name_,
                            .path = jail_.root,
                            .hostname = plan_.hostname,
                            .is_host_network = plan_.is_host_network,
                            .devfs_ruleset = jail_.devfs_ruleset,
                            .meta = "buildjail=" + id_},
                           abilities_);
  if (!made) return std::move(made.error());
  jail_.jail.emplace(std::move(*made));
  return {};
}

}  // namespace buildjail
