#pragma once

#include "envelope/output.h"
#include "linux/init_channel.h"
#include "linux/session_namespaces.h"
#include "plan/plan.h"

namespace buildjail {

/** A lent output that init hands back, should this process be killed: it is told of it first. */
class WatchedOutput final : public LentDirectory {
 public:
  /** All outlive it. `outside` is the build user in the numbering of the host. */
  WatchedOutput(SessionNamespaces& inside, const OutputLease& lease, CommandSetup setup, BuildUser outside)
      // In a user namespace the build user is the caller under another number, who has what rights the caller has.
      : LentDirectory(lease, std::move(outside), setup.has_user_namespace),
        inside_(inside),
        setup_(setup) {}

  Status make(Trace& trace) override {
    const auto inside = inside_.get();
    auto status = inside->channel()->lend(*lease().before(), lease().bind().target, setup_, lease().lock());
    return status ? LentDirectory::make(trace) : status;
  }

 private:
  SessionNamespaces& inside_;
  CommandSetup setup_;
};

}  // namespace buildjail
