#include <sys/prctl.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>

#include "envelope/session_system.h"
#include "state/recover_state.h"
#include "state/state_directory.h"
#include "linux/empty_mounts.h"
#include "linux/envelope.h"
#include "linux/init_image.h"
#include "linux/obstacles.h"
#include "linux/recovery.h"
#include "linux/watcher_child.h"

namespace buildjail {

namespace {

/** How long what somebody else is recovering is waited for. */
constexpr std::chrono::milliseconds kOthersBound{10000};

class Linux final : public SessionSystem {
 public:
  // Asked here and not later: while a base is being completed, the answer may be that child's.
  Linux() : SessionSystem(let_go_of_host_program), is_dumpable_(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1) {}

  [[nodiscard]] const char* name() const override { return "linux"; }

  std::vector<Obstacle> find_obstacles() override {
    auto found = host();
    if (!found) return {explain(found.error())};
    auto error = try_namespaces((*found)->init_image);
    return error ? std::vector<Obstacle>{explain(*error)} : std::vector<Obstacle>{};
  }

  RecoveryReport recover(const std::string& state_directory) override {
    return recover_state(state_directory, kOthersBound);
  }

 private:
  Status prepare(const EnvelopePlan& plan) override {
    if (needs_user_namespace() && !plan.user.groups.empty()) {
      return SysError{.step = "user",
                      .syscall = "setgroups",
                      .err = EPERM,
                      .path = {},
                      .dest = {},
                      .detail = "supplementary groups can be given by root only (user_namespaces(7), setgroups)"};
    }
    const auto found = host();
    return found ? Status() : found.error();
  }

  Status hold_state(const std::string& state_directory) override { return make_private_directory(state_directory); }

  Recovery recovery(const std::string& state_directory) override { return recovery_of(state_directory); }

  Result<std::unique_ptr<Envelope>> make(SharedPlan plan, const std::string& id, std::shared_ptr<Waiter> waiter,
                                         Trace trace) override {
    auto found = host();
    if (!found) return std::move(found.error());
    return NamespaceEnvelope::open(std::move(plan), id, std::move(waiter), std::move(*found), std::move(trace));
  }

  Result<std::shared_ptr<LinuxHost>> host() {
    const std::lock_guard lock(mutex_);
    if (!host_) {
      auto image = make_init_image();
      if (!image) return std::move(image.error());
      host_ = std::make_shared<LinuxHost>(
          std::move(*image), needs_user_namespace() ? EmptyMounts() : make_empty_mounts(), is_dumpable_);
    }
    return host_;
  }

  bool is_dumpable_;
  std::mutex mutex_;
  std::shared_ptr<LinuxHost> host_;
};

}  // namespace

std::unique_ptr<System> System::create() { return std::make_unique<Linux>(); }

}  // namespace buildjail
