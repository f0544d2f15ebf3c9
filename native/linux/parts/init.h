#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "envelope/part.h"
#include "linux/host.h"
#include "linux/parts/network.h"
#include "linux/session_cgroup.h"
#include "linux/session_namespaces.h"
#include "linux/system_call_filter.h"
#include "plan/nesting.h"
#include "plan/plan.h"
#include "state/journal.h"

namespace buildjail {

/** Pid 1 of the session, and with it the namespaces and all that is mounted in them (init/init.c). */
class InitPart final : public Part {
 public:
  /** What is made before it. */
  struct Around {
    NetworkPart& network;
    const UserSpace& user_space;
    const SessionCgroup& cgroup;
    const Journal& journal;
    const Nesting& nesting;
  };

  /** All outlive it. */
  InitPart(SessionNamespaces& inside, const EnvelopePlan& plan, LinuxHost& host, Around around)
      : inside_(inside), plan_(plan), host_(host), around_(around) {}

  Status make(Trace& trace) override {
    std::optional<SystemCallFilter> own;
    if (!plan_.allowed.is_empty()) own.emplace(plan_.allowed);
    // A base gets more in /etc.
    auto etc = plan_.is_base || !host_.mounts.space ? Result(std::shared_ptr<const UniqueFd>())
                                                    : host_.etc.take(plan_.steps, host_.mounts.space);
    if (!etc) return std::move(etc.error());
    auto made = Namespaces::make(plan_,
                                 {.init_image = host_.init_image,
                                  .mounts = host_.mounts,
                                  .etc = etc->get(),
                                  .network = around_.network.space(),
                                  .brings_up_loopback = around_.network.lacks_loopback(),
                                  .filter = own ? *own : host_.filter,
                                  .user = around_.user_space,
                                  .cgroup = around_.cgroup.entrances(),
                                  .nesting = around_.nesting,
                                  .lock = around_.journal.lock()},
                                 trace);
    if (!made) return std::move(made.error());
    around_.network.is_in_use(made->init());
    return inside_.set(std::move(*made));
  }
  Status take_away(TakingAway& taking) override { return inside_.end_processes(taking.trace); }

 private:
  SessionNamespaces& inside_;
  const EnvelopePlan& plan_;
  LinuxHost& host_;
  Around around_;
};

}  // namespace buildjail
