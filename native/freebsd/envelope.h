#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "envelope/envelope.h"
#include "state/output_lease.h"
#include "state/session_directory.h"
#include "base/unique_fd.h"
#include "freebsd/host.h"
#include "freebsd/jail.h"
#include "freebsd/mounts.h"
#include "freebsd/pinned_source.h"
#include "freebsd/set_groups.h"

namespace buildjail {

/** A jail and its mounts. Members go in reverse: the jail first, its mounts, what was lent for it, its folder last. */
class JailEnvelope final : public Envelope {
 public:
  static Result<std::unique_ptr<Envelope>> open(SharedPlan plan, const std::string& id,
                                                std::shared_ptr<Waiter> waiter, std::shared_ptr<Host> host,
                                                Trace trace);
  ~JailEnvelope() override;

  [[nodiscard]] const Trace& trace() const override { return trace_; }
  Status complete(std::vector<Step> rest) override;
  Status launch(Launching launching) override;
  Status signal_tree(std::uint32_t run, int signal) override;
  Status kill_all() override;
  Result<Record> record() override;
  CloseReport close() override;

 private:
  JailEnvelope(SharedPlan plan, std::string id, std::shared_ptr<Waiter> waiter, std::shared_ptr<Host> host,
               SessionDirectory directory, Trace trace);

  Status build();
  // Opening, in this order.
  Status make_root();
  Status perform_all(const std::vector<Step>& steps);
  Status perform(const MakeDirectory& directory);
  Status perform(const MakeFile& file);
  Status perform(const MakeLink& link);
  Status perform(const MountTmpfs& tmpfs);
  Status perform(const MountDev& dev);
  /** False when the ruleset was another by then than ours; then nothing was mounted. */
  Result<bool> mount_dev(const MountDev& dev, int ruleset);
  Status perform(const MountProc& proc);
  Status perform(const Bind& bind);
  Status lend_output(const Bind& bind, UniqueFd directory);
  /** `rest`: what was performed of it besides the plan. */
  Status seal_root(const std::vector<Step>& rest);
  Status make_jail();

  // Closing, in this order.
  Status end_processes(Trace& trace);
  std::vector<SysError> take_mounts(Trace& trace);
  /** What of the commands' output nobody has read: descriptors of the session can lie in it. */
  /** Which may hold a mount, or the jail. */
  void drop_what_is_unread();
  std::vector<SysError> take_root(Trace& trace);
  Status see_jail_die();

  [[nodiscard]] std::string inside(const std::string& target) const { return directory_.root() + target; }
  Status mount_one(IovecList& options, int flags, const std::string& target);
  Status take_bind(const PinnedSource& source, const std::string& path);

  SharedPlan plan_;
  SetGroups set_groups_;
  std::string id_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<Host> host_;
  /** What its children are known by to the waiter. */
  std::uint64_t owner_;
  Trace trace_;
  std::mutex closing_;
  std::mutex launching_;
  /** Nothing can be launched any more. */
  bool is_closed_ = false;
  /** Its root is sealed, so that something may be launched in it. */
  bool is_complete_ = false;
  /** Nothing is left to take away. */
  bool is_gone_ = false;
  std::optional<Credentials> last_launched_;
  /** Our ends of the commands' output. */
  std::vector<std::weak_ptr<const UniqueFd>> sockets_;
  /** The jail stayed, dying, and the root was taken from under it. */
  bool is_root_forced_ = false;

  SessionDirectory directory_;
  std::vector<OutputLease> leases_;
  MountStack mounts_;
  NullfsIds nullfs_ids_;
  int devfs_ruleset_ = 0;
  std::optional<Jail> jail_;
};

}  // namespace buildjail
