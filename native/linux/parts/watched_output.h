#pragma once

#include "envelope/output.h"
#include "linux/namespaces.h"
#include "linux/session_namespaces.h"
#include "plan/plan.h"

namespace buildjail {

/** A lent output that init hands back, should this process be killed: it is told of it first. */
class WatchedOutput final : public LentDirectory {
 public:
  /** All outlive it. `outside` is the build user in the numbering of the host. */
  WatchedOutput(SessionNamespaces& inside, const OutputLease& lease, const BuildUser& user, BuildUser outside)
      // In a user namespace the build user is the caller under another number, who has what rights the caller has.
      : LentDirectory(lease, std::move(outside), needs_user_namespace()), inside_(inside), user_(user) {}

  Status make(Trace& trace) override {
    if (auto status = inside_.get()->lend(*lease().before(), lease().bind().target, user_, lease().lock()); !status)
      return status;
    return LentDirectory::make(trace);
  }

 private:
  SessionNamespaces& inside_;
  const BuildUser& user_;
};

}  // namespace buildjail
