#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>

#include "envelope/system.h"
#include "freebsd/child.h"
#include "freebsd/envelope.h"
#include "freebsd/host.h"
#include "freebsd/jails.h"
#include "freebsd/limits.h"
#include "freebsd/obstacles.h"
#include "freebsd/parts/jail.h"
#include "freebsd/parts/root.h"
#include "freebsd/state_file_system.h"
#include "state/recovery.h"

namespace buildjail {

namespace {

/** How long what somebody else is recovering is waited for. */
constexpr std::chrono::milliseconds kOthersBound{10000};

/** Whether this kernel has what it takes. */
Status network_that_is_had(const PlannedNetwork& network, const JailAbilities& abilities) {
  using Kind = PlannedNetwork::Kind;
  SysError refused{
      .step = "network", .syscall = "jail_set", .err = ENOTSUP, .path = network.handed_in, .dest = {}, .detail = {}};
  if (network.kind == Kind::kNamespace) {
    refused.detail = "there are no network namespaces on FreeBSD";
    return refused;
  }
  if (abilities.has_vnet || network.kind == Kind::kNone || network.is_host()) return {};
  refused.detail = kNoOwnNetworks;
  refused.remedy = kHowToHaveNetworks;
  return refused;
}

class FreeBsd final : public SessionSystem {
 public:
  FreeBsd() : SessionSystem(let_go_of_host_program, recovery_of) {}

  [[nodiscard]] const char* name() const override { return "freebsd"; }

  std::vector<Obstacle> find_obstacles() override { return find_freebsd_obstacles(); }
  std::vector<Obstacle> find_limitations() override { return find_freebsd_limitations(); }

  RecoveryReport recover(const std::string& state_directory) override {
    return recover_state(state_directory, kOthersBound);
  }

  Result<std::vector<ListedSession>> list(const std::string& state_directory) override {
    const auto held = StateFileSystem::hold_mounted(state_directory);
    if (!held) return held.error();
    auto sessions = list_sessions(state_directory);
    if (!sessions) return sessions;
    for (ListedSession& session : *sessions) {
      session.root = session.entry.fact(Root::kFacts, Root::kPath);
      const auto jail = find_jail(std::string(session.entry.fact(JailPart::kFacts, JailPart::kName)));
      if (jail && *jail && (**jail).path == session.root) session.jid = (**jail).jid;
    }
    return sessions;
  }

  void shut_down() override {
    {
      const std::lock_guard lock(mutex_);
      // What does not go is unmounted by whoever comes next.
      states_.clear();
    }
    SessionSystem::shut_down();
  }

 private:
  /** Found out once: modules that are loaded later have parameters as well, but all of those are off by default. */
  Status prepare(const EnvelopePlan& plan) override {
    if (auto status = refuse_overlays(plan.steps); !status) return status;
    if (auto limits = held_limits(plan.limits); !limits) return std::move(limits.error());
    const std::lock_guard lock(mutex_);
    if (!host_) {
      auto abilities = JailAbilities::find();
      if (!abilities) return std::move(abilities.error());
      host_ = std::make_shared<FreebsdHost>(std::move(*abilities));
    }
    return network_that_is_had(plan.network, host_->abilities);
  }

  /** From the first session in it on, as to mount and unmount it for each would cost more than any other step. */
  Status hold_state(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (states_.contains(path)) return {};
    auto held = StateFileSystem::hold(path);
    if (!held) return std::move(held.error());
    states_.emplace(path, std::move(*held));
    return {};
  }

  Result<std::unique_ptr<Envelope>> make(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                         Trace trace) override {
    return JailEnvelope::open(std::move(plan), std::move(lessee), std::move(waiter), host(), std::move(trace));
  }

  std::shared_ptr<FreebsdHost> host() {
    const std::lock_guard lock(mutex_);
    return host_;
  }

  std::mutex mutex_;
  std::shared_ptr<FreebsdHost> host_;
  std::map<std::string, StateFileSystem> states_;
};

}  // namespace

std::unique_ptr<System> System::create() { return std::make_unique<FreeBsd>(); }

}  // namespace buildjail
