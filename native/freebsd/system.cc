#include <chrono>
#include <map>
#include <mutex>

#include "envelope/envelope.h"
#include "state/first_recovery.h"
#include "state/recover_state.h"
#include "state/watcher.h"
#include "freebsd/envelope.h"
#include "freebsd/host.h"
#include "freebsd/jail.h"
#include "freebsd/obstacles.h"
#include "freebsd/recovery.h"
#include "freebsd/state_file_system.h"
#include "freebsd/watcher_child.h"

namespace buildjail {

namespace {

/** How long what somebody else is recovering is waited for. */
constexpr std::chrono::milliseconds kOthersBound{10000};

class FreeBsd final : public System {
 public:
  [[nodiscard]] const char* name() const override { return "freebsd"; }

  std::vector<Obstacle> find_obstacles() override { return find_freebsd_obstacles(); }
  std::vector<Obstacle> find_limitations() override { return find_freebsd_limitations(); }

  Result<std::unique_ptr<Envelope>> open(SharedPlan plan, const std::string& id,
                                         std::shared_ptr<Waiter> waiter) override {
    Trace trace;
    auto found = host();
    if (!found) return std::move(found.error());
    if (auto status = watcher_.watch(plan->state_directory); !status) return std::move(status.error());
    if (auto status = hold_state(plan->state_directory); !status) return std::move(status.error());
    trace.mark("state-directory", plan->state_directory);
    first_recovery_.run(recovery_of(plan->state_directory), plan->state_directory, trace);
    auto opened = JailEnvelope::open(std::move(plan), id, std::move(waiter), std::move(*found), std::move(trace));
    // A session that nobody would clean up after is not had.
    if (auto status = watcher_.confirm(); !status) return std::move(status.error());
    return opened;
  }

  RecoveryReport recover(const std::string& state_directory) override {
    return recover_state(state_directory, kOthersBound);
  }

  Result<std::vector<ListedSession>> list(const std::string& state_directory) override {
    const auto held = StateFileSystem::hold_mounted(state_directory);
    if (!held) return held.error();
    auto sessions = list_sessions(state_directory);
    if (!sessions) return sessions;
    for (ListedSession& session : *sessions) {
      const auto jail = find_jail(session.entry.jail);
      if (jail && *jail && (**jail).path == session.entry.root) session.jid = (**jail).jid;
    }
    return sessions;
  }

  void shut_down() override {
    {
      const std::lock_guard lock(states_mutex_);
      // What does not go is unmounted by whoever comes next.
      states_.clear();
    }
    watcher_.end();
  }

 private:
  /** From the first session in it on, as to mount and unmount it for each would cost more than any other step. */
  Status hold_state(const std::string& path) {
    const std::lock_guard lock(states_mutex_);
    if (states_.contains(path)) return {};
    auto held = StateFileSystem::hold(path);
    if (!held) return std::move(held.error());
    states_.emplace(path, std::move(*held));
    return {};
  }

  /** Found out once: modules that are loaded later have parameters as well, but all of those are off by default. */
  Result<std::shared_ptr<Host>> host() {
    const std::lock_guard lock(mutex_);
    if (!host_) {
      auto abilities = JailAbilities::find();
      if (!abilities) return std::move(abilities.error());
      host_ = std::make_shared<Host>(std::move(*abilities));
    }
    return host_;
  }

  std::mutex mutex_;
  std::shared_ptr<Host> host_;
  std::mutex states_mutex_;
  std::map<std::string, StateFileSystem> states_;
  FirstRecovery first_recovery_;
  Watcher watcher_{let_go_of_host_program};
};

}  // namespace

std::unique_ptr<System> System::create() { return std::make_unique<FreeBsd>(); }

}  // namespace buildjail
