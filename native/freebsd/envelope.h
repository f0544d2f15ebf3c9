#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "envelope/envelope.h"
#include "envelope/output.h"
#include "freebsd/host.h"
#include "freebsd/jail_child.h"
#include "freebsd/limits.h"
#include "freebsd/mounts.h"
#include "freebsd/session_jail.h"
#include "launch/waiter.h"
#include "plan/plan.h"
#include "state/journal.h"
#include "state/lease.h"

namespace buildjail {

/** A jail and its mounts. */
class JailEnvelope final : public Envelope {
 public:
  static Result<std::unique_ptr<Envelope>> open(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                std::shared_ptr<FreebsdHost> host, Trace trace);

  [[nodiscard]] const Trace& trace() const override { return trace_; }
  Status complete(std::vector<Step> rest) override;
  Status launch(Launching launching) override;
  Status signal_tree(std::uint32_t run, int signal) override;
  Status kill_all() override;
  Result<UniqueFd> open_root() override;
  Result<Record> record() override;
  Result<SessionUsage> usage() override;
  LimitsMet limits_met() override;
  CloseReport close() override;

 private:
  JailEnvelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter, std::shared_ptr<FreebsdHost> host,
               Trace trace);

  /** In the order in which they are made: of the plan, or of the rest of one that is a base. */
  Parts parts(const std::vector<Step>& steps, bool is_rest);
  [[nodiscard]] LentAs lent_as() const;

  SharedPlan plan_;
  /** Of its jail. */
  std::string jail_name_;
  HeldLimits limits_;
  LimitsLog limits_log_;
  /** Of a plan that is a base, once it is completed. */
  std::vector<Step> rest_;
  /** Of the steps that are made at the time. */
  Nesting nesting_;
  SetGroups set_groups_;
  Lessee lessee_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<FreebsdHost> host_;
  /** What its children are known by to the waiter. */
  std::uint64_t owner_;
  Trace trace_;
  std::mutex closing_;
  std::mutex launching_;
  /** Nothing can be launched any more. */
  bool is_closed_ = false;
  /** Its root is sealed, so that something may be launched in it. */
  bool is_complete_ = false;
  std::optional<Credentials> last_launched_;
  SessionJail jail_;
  Journal journal_;
  /** What is above is there for as long as its parts. */
  Walk walk_;
};

}  // namespace buildjail
