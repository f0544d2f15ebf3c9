#include <sys/prctl.h>

#include <chrono>
#include <memory>
#include <mutex>

#include "envelope/envelope.h"
#include "state/recover_state.h"
#include "state/watcher.h"
#include "linux/empty_mounts.h"
#include "linux/envelope.h"
#include "linux/init_image.h"
#include "linux/obstacles.h"
#include "linux/watcher_child.h"

namespace buildjail {

namespace {

/** How long what somebody else is recovering is waited for. */
constexpr std::chrono::milliseconds kOthersBound{10000};

class Linux final : public System {
 public:
  // Asked here and not later: while a base is being completed, the answer may be that child's.
  Linux() : is_dumpable_(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1) {}

  [[nodiscard]] const char* name() const override { return "linux"; }

  std::vector<Obstacle> find_obstacles() override {
    auto found = host();
    if (!found) return {explain(found.error())};
    auto error = try_namespaces((*found)->init_image);
    return error ? std::vector<Obstacle>{explain(*error)} : std::vector<Obstacle>{};
  }

  Result<std::unique_ptr<Envelope>> open(SharedPlan plan, const std::string& id,
                                         std::shared_ptr<Waiter> waiter) override {
    auto found = host();
    if (!found) return std::move(found.error());
    if (auto status = watcher_.watch(plan->state_directory); !status) return std::move(status.error());
    auto opened = NamespaceEnvelope::open(std::move(plan), id, std::move(waiter), std::move(*found));
    // A session that nobody would clean up after is not had.
    if (auto status = watcher_.confirm(); !status) return std::move(status.error());
    return opened;
  }

  RecoveryReport recover(const std::string& state_directory) override {
    return recover_state(state_directory, kOthersBound);
  }

  Result<std::vector<ListedSession>> list(const std::string& state_directory) override {
    return list_sessions(state_directory);
  }

  void shut_down() override { watcher_.end(); }

 private:
  Result<std::shared_ptr<Host>> host() {
    const std::lock_guard lock(mutex_);
    if (!host_) {
      auto image = make_init_image();
      if (!image) return std::move(image.error());
      host_ = std::make_shared<Host>(std::move(*image), needs_user_namespace() ? EmptyMounts() : make_empty_mounts(),
                                     is_dumpable_);
    }
    return host_;
  }

  bool is_dumpable_;
  std::mutex mutex_;
  std::shared_ptr<Host> host_;
  Watcher watcher_{let_go_of_host_program};
};

}  // namespace

std::unique_ptr<System> System::create() { return std::make_unique<Linux>(); }

}  // namespace buildjail
