#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "envelope/envelope.h"
#include "state/first_recovery.h"
#include "state/journal.h"
#include "state/output_lease.h"
#include "linux/empty_mounts.h"
#include "linux/namespaces.h"
#include "linux/spare_networks.h"

namespace buildjail {

/** What the sessions of one environment have in common. */
struct Host {
  Host(UniqueFd image, EmptyMounts empty_mounts, bool is_now_dumpable)
      : init_image(std::move(image)), mounts(std::move(empty_mounts)), is_dumpable(is_now_dumpable) {}

  /** What make_init_image() gave. */
  UniqueFd init_image;
  /** Where they are for this process. */
  EmptyMounts mounts;
  /** Whether it may be dumped and traced by its user (PR_SET_DUMPABLE(2const)). */
  bool is_dumpable;
  SpareNetworks networks;
  FirstRecovery first_recovery;
};

/** The namespaces of a session. Members go in reverse: they first, then what was lent for them. */
class NamespaceEnvelope final : public Envelope {
 public:
  static Result<std::unique_ptr<Envelope>> open(SharedPlan plan, const std::string& id,
                                                std::shared_ptr<Waiter> waiter, std::shared_ptr<Host> host);
  ~NamespaceEnvelope() override;

  [[nodiscard]] const Trace& trace() const override { return trace_; }
  Status complete(std::vector<Step> rest) override;
  Status launch(Launching launching) override;
  [[nodiscard]] bool launches_at_once() const override { return true; }
  Status signal_tree(std::uint32_t run, int signal) override;
  Status kill_all() override;
  Result<Record> record() override;
  void begin_close() override;
  CloseReport close() override;

 private:
  /** An output, and where it is inside. */
  struct Lent {
    OutputLease lease;
    LentOutput before;
    std::string target;
    /** Where a network may go on to whoever has it next. */
    std::string identity;
  };

  NamespaceEnvelope(SharedPlan plan, std::string id, std::shared_ptr<Waiter> waiter, std::shared_ptr<Host> host);

  Status begin_journal();
  Status take_outputs(const std::vector<Step>& steps);
  Status make_namespaces();
  [[nodiscard]] bool may_leave_network() const;
  /** Which sessions may have its network after it: those with the same. Empty: none. */
  [[nodiscard]] std::string network_heir() const;
  Status hand_over_outputs();
  /** Null once the session is being closed. Who has them keeps them from being closed under its hands. */
  std::shared_ptr<Namespaces> namespaces();
  bool is_complete();
  [[nodiscard]] CommandSetup setup() const;
  /** What the kernel says of a command that is set up as every one is, and does not execute. */
  Result<Credentials> look_at_command(const Namespaces& inside);

  SharedPlan plan_;
  std::string id_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<Host> host_;
  /** What its children are known by to the waiter. */
  std::uint64_t owner_;
  Trace trace_;
  std::optional<Journal> journal_;
  std::vector<Lent> lent_;
  /** For the next session, where there may be one. */
  Network network_;
  std::mutex closing_;
  /** Nothing is left to take away. */
  bool is_gone_ = false;
  std::mutex looking_;

  /** For what follows, held for a moment only: a launch that hangs must not keep a close from ending it. */
  std::mutex mutex_;
  bool is_closed_ = false;
  /** Its root is sealed, so that something may be launched in it. */
  bool is_complete_ = false;
  std::shared_ptr<Namespaces> namespaces_;
};

}  // namespace buildjail
