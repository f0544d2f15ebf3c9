#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "envelope/envelope.h"
#include "envelope/output.h"
#include "freebsd/jail_child.h"
#include "freebsd/limits.h"
#include "freebsd/mounts.h"
#include "freebsd/opening.h"
#include "freebsd/session_jail.h"
#include "launch/waiter.h"
#include "plan/plan.h"
#include "state/journal.h"
#include "state/lease.h"

namespace buildjail {

/**
 * ENOTSUP if the steps have an overlay. unionfs(4) of 15.1 would be the way. In it a folder that is removed and made
 * again has its old content. It shows everything with one owner and one mode, so that no script of a source can be
 * executed, or it shows the owners of the source, and none of them is the build.
 */
Status refuse_overlays(const std::vector<Step>& steps);

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

  /** In the order in which they are made. */
  Parts parts(const std::vector<Step>& steps, bool is_rest);
  [[nodiscard]] LentAs lent_as() const;

  SharedPlan plan_;
  /** Of its jail. */
  std::string jail_name_;
  HeldLimits limits_;
  LimitsLog limits_log_;
  /** The steps that completed a base. */
  std::vector<Step> rest_;
  /** The nesting of the steps that are being made. */
  Nesting nesting_;
  SetGroups set_groups_;
  Lessee lessee_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<FreebsdHost> host_;
  /** The number that the waiter has for its commands. */
  std::uint64_t owner_;
  Trace trace_;
  std::mutex closing_;
  std::mutex launching_;
  /** No command can be launched any more. */
  bool is_closed_ = false;
  /** Its root is sealed, so commands may be launched. */
  bool is_complete_ = false;
  std::optional<Credentials> last_launched_;
  SessionJail jail_;
  Journal journal_;
  /** The last member, because its parts refer to those above. */
  Walk walk_;
};

}  // namespace buildjail
