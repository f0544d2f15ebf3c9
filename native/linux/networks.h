#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "linux/init_calls.h"

namespace buildjail {

struct NamespaceOpening;

/** Brings up the loopback of the session's network, with 127.0.0.1 and ::1 (netdevice(7)). */
void bring_up_loopback(InitCalls& calls);

/** A network that was handed in. A session's own is made with its other namespaces. */
class NetworkPart final : public Part {
 public:
  explicit NetworkPart(const NamespaceOpening& opening) : opening_(opening) {}
  static void add_planned(NamespaceOpening& opening, Parts& parts);

  Status make(Trace&) override;

  /** For setns(2); empty if none was handed in. */
  [[nodiscard]] const UniqueFd& descriptor() const noexcept { return descriptor_; }

 private:
  const NamespaceOpening& opening_;
  UniqueFd descriptor_;
};

}  // namespace buildjail
