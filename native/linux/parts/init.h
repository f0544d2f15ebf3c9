#pragma once

#include "envelope/part.h"
#include "linux/host.h"
#include "linux/parts/network.h"
#include "linux/session_namespaces.h"
#include "plan/plan.h"

namespace buildjail {

/** Pid 1 of the session, and with it the namespaces and all that is mounted in them (init/init.c). */
class InitPart final : public Part {
 public:
  /** All outlive it. */
  InitPart(SessionNamespaces& inside, const EnvelopePlan& plan, const LinuxHost& host, NetworkPart& network)
      : inside_(inside), plan_(plan), host_(host), network_(network) {}

  Status make(Trace& trace) override {
    auto made = Namespaces::make(
        plan_, {.init_image = host_.init_image, .mounts = host_.mounts, .network = network_.space()}, trace);
    if (!made) return std::move(made.error());
    network_.is_in_use(made->init());
    return inside_.set(std::move(*made));
  }
  Status take_away(TakingAway& taking) override { return inside_.end_processes(taking.trace); }

 private:
  SessionNamespaces& inside_;
  const EnvelopePlan& plan_;
  const LinuxHost& host_;
  NetworkPart& network_;
};

}  // namespace buildjail
