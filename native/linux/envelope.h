#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "envelope/envelope.h"
#include "envelope/output.h"
#include "launch/waiter.h"
#include "linux/namespaces.h"
#include "linux/opening.h"
#include "linux/session_cgroup.h"
#include "linux/user_namespaces.h"
#include "plan/plan.h"
#include "state/journal.h"
#include "state/lease.h"

namespace buildjail {

/** An envelope made of namespaces. */
class NamespaceEnvelope final : public Envelope {
 public:
  static Result<std::unique_ptr<Envelope>> open(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                std::shared_ptr<LinuxHost> host, Trace trace);

  [[nodiscard]] const Trace& trace() const override { return trace_; }
  Status complete(std::vector<Step> rest) override;
  Status launch(Launching launching) override;
  [[nodiscard]] bool launches_at_once() const override { return true; }
  Status signal_tree(std::uint32_t run, int signal) override;
  Status kill_all() override;
  Result<UniqueFd> open_root() override;
  Result<Record> record() override;
  Result<SessionUsage> usage() override;
  LimitsMet limits_met() override;
  void begin_close() override;
  CloseReport close() override;

 private:
  NamespaceEnvelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter, std::shared_ptr<LinuxHost> host,
                    PlacedLimits placed, Trace trace);

  /** In the order in which they are made. */
  Parts parts(const std::vector<Step>& steps, bool is_rest);
  /** Null once the session is being closed. They last for as long as the answer is held. */
  std::shared_ptr<Namespaces> namespaces();
  bool is_complete();
  [[nodiscard]] CommandSetup setup() const;
  /** The ids of the session in this process's namespace; `file` is uid_map or gid_map. */
  [[nodiscard]] Result<std::vector<IdExtent>> ids_of(pid_t init, const char* file) const;
  [[nodiscard]] LentAs lent_as() const;
  /** The credentials that the kernel gives a command that is set up like every other, and does not execute. */
  Result<Credentials> look_at_command(const Namespaces& inside);

  SharedPlan plan_;
  Lessee lessee_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<LinuxHost> host_;
  /** The number that the waiter has for its commands. */
  std::uint64_t owner_;
  Trace trace_;
  std::mutex closing_;
  std::mutex looking_;
  /** For each run, the processes that a signal found below its command. */
  std::map<std::uint32_t, std::vector<UniqueFd>> signalled_;
  /** Held while a tree is signalled, because the command may end before the rest of the tree is signalled and kept. */
  std::mutex signalling_;

  /** For the members below; held for a moment only, because a close must be able to end a launch that hangs. */
  std::mutex mutex_;
  bool is_closed_ = false;
  /** Its root is sealed, so commands may be launched. */
  bool is_complete_ = false;

  /** The steps that completed a base. */
  std::vector<Step> rest_;
  /** The nesting of the steps that are being made. */
  Nesting nesting_;
  SessionIds ids_;
  SessionCgroup cgroup_;
  SessionNamespaces inside_;
  Journal journal_;
  /** That of the plan, and that of the rest of a base. */
  std::list<NamespaceOpening> openings_;
  /** The last member, because its parts refer to those above. */
  Walk walk_;
};

}  // namespace buildjail
