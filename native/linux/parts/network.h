#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/output.h"
#include "envelope/part.h"
#include "linux/spare_networks.h"
#include "plan/plan.h"

namespace buildjail {

/** A network that was there before, where there is one for the session; and its own may go on to another after it. */
class NetworkPart final : public Part {
 public:
  /** All outlive it. `outputs`: all of the session's. */
  NetworkPart(const EnvelopePlan& plan, SpareNetworks& networks, std::vector<const OutputLease*> outputs)
      : plan_(plan), networks_(networks), outputs_(std::move(outputs)) {}

  Status make(Trace& trace) override;
  /** After the last process in it has ended. */
  Status take_away(TakingAway& taking) override;

  /** To be entered; empty where the session makes its own. */
  [[nodiscard]] const UniqueFd& space() const noexcept { return network_.space; }
  /** The session is in it, `init` for one. */
  void is_in_use(pid_t init);

 private:
  [[nodiscard]] bool may_leave_network() const;
  /** Which sessions may have its network after it: those with the same. Empty: none. */
  [[nodiscard]] std::string heir() const;

  const EnvelopePlan& plan_;
  SpareNetworks& networks_;
  std::vector<const OutputLease*> outputs_;
  std::string heir_;
  Network network_;
  bool is_used_ = false;
};

}  // namespace buildjail
