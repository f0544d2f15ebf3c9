#pragma once

#include <memory>
#include <utility>

#include "envelope/part.h"
#include "freebsd/listeners.h"
#include "freebsd/opening.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The network of names: what answers and connects for the build, at sockets in the jail's own network stack. It ends
 * with the processes of the jail (SessionJail). A recovery finds nothing of it, because its sockets went with the host
 * program.
 */
struct NamesNetwork : Part {
  static void add_planned(const JailOpening& opening, Parts& parts) {
    const PlannedNetwork& network = opening.plan.network;
    if (opening.is_rest || !network.is_of_names()) return;
    auto make = [&network, &jail = opening.jail, &host = opening.host, &id = opening.lessee.session.id]() -> Status {
      AllowedNames names(network, names_in_ipv6());
      if (auto status = names.confirm(); !status) return status;
      if (auto status = host.network.start(); !status) return status;
      auto sockets = make_listeners(names, jail.jail->reference());
      if (!sockets) return std::move(sockets.error());
      auto begun = host.network.add(id, std::move(names), network.checks_tls_names, std::move(*sockets));
      jail.end_names = [&host, begun = std::move(begun)] { host.network.end(begun, NetworkThread::End::kAllSent); };
      return {};
    };
    parts.push_back(std::make_unique<Act>("network", "names", std::move(make)));
  }
};

}  // namespace buildjail
