#pragma once

#include "envelope/output.h"
#include "freebsd/mounts.h"
#include "freebsd/parts/mount.h"
#include "plan/plan.h"

namespace buildjail {

/** A directory or file of the host, inside. */
class Nullfs final : public Mount {
 public:
  /** All outlive it. `lease` is null unless it is an output. */
  Nullfs(SessionJail& jail, const Bind& bind, const OutputLease* lease, NullfsIds& ids)
      : Mount(jail, bind.target), bind_(bind), lease_(lease), ids_(ids) {}
  /** ESTALE when the source is another one than was planned, or was held while it was mounted. */
  Status make(Trace& trace) override;

 private:
  const Bind& bind_;
  const OutputLease* lease_;
  NullfsIds& ids_;
};

}  // namespace buildjail
