#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "envelope/envelope.h"
#include "envelope/output.h"
#include "envelope/sources.h"
#include "launch/waiter.h"
#include "linux/host.h"
#include "linux/session_cgroup.h"
#include "linux/session_namespaces.h"
#include "linux/user_spaces.h"
#include "plan/nesting.h"
#include "state/journal.h"
#include "state/lease.h"

namespace buildjail {

/** The namespaces of a session. */
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

  /** Comes before everything that is owned by its ids. */
  Status take_user_space();
  /** The build user in the numbering of the host. */
  [[nodiscard]] BuildUser user_outside() const;
  /** In the order in which they are made. */
  Parts parts(const std::vector<Step>& steps, bool is_rest);
  /** Null once the session is being closed. Who has them keeps them from being closed under its hands. */
  std::shared_ptr<Namespaces> namespaces();
  bool is_complete();
  [[nodiscard]] CommandSetup setup() const;
  /** Which ids of this process's namespace those of the session are; `file` is uid_map or gid_map. */
  [[nodiscard]] Result<std::vector<IdExtent>> ids_of(pid_t init, const char* file) const;
  [[nodiscard]] LentAs lent_as() const;
  /** What the kernel says of a command that is set up as every one is, and does not execute. */
  Result<Credentials> look_at_command(const Namespaces& inside);

  SharedPlan plan_;
  Lessee lessee_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<LinuxHost> host_;
  /** What its children are known by to the waiter. */
  std::uint64_t owner_;
  Trace trace_;
  std::mutex closing_;
  std::mutex looking_;
  /** By run: the processes that a signal found below a command. */
  std::map<std::uint32_t, std::vector<UniqueFd>> signalled_;
  /** Held while a tree is signalled: the command may end by it before the rest of the tree is signalled and kept. */
  std::mutex signalling_;

  /** For what follows, held for a moment only: a launch that hangs must not keep a close from ending it. */
  std::mutex mutex_;
  bool is_closed_ = false;
  /** Its root is sealed, so that something may be launched in it. */
  bool is_complete_ = false;

  /** Of a plan that is a base, once it is completed. */
  std::vector<Step> rest_;
  /** Of the steps that are made at the time. */
  Nesting nesting_;
  UserSpace user_space_;
  SessionCgroup cgroup_;
  SessionNamespaces inside_;
  SessionSources sources_;
  Journal journal_;
  /** What is above is there for as long as its parts. */
  Walk walk_;
};

}  // namespace buildjail
