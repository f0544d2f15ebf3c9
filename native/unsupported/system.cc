#include <cerrno>

#include "envelope/system.h"
#include "launch/event_queue.h"

namespace buildjail {

namespace {

SysError not_here(const char* what) {
  return {.step = "preflight",
          .syscall = what,
          .err = ENOSYS,
          .path = {},
          .dest = {},
          .detail = "sessions do not run on this system yet"};
}

class Unsupported final : public System {
 public:
  [[nodiscard]] const char* name() const override { return "unsupported"; }
  std::vector<Obstacle> find_obstacles() override {
    return {{"platform", "sessions do not run on this system yet", "run it on FreeBSD 14 or later, or on Linux"}};
  }
  Result<std::unique_ptr<Envelope>> open(SharedPlan, const std::string&, std::shared_ptr<Waiter>) override {
    return not_here("jail_set");
  }
  RecoveryReport recover(const std::string&) override { return {}; }
  Result<std::vector<ListedSession>> list(const std::string&) override { return not_here("jail_get"); }
};

}  // namespace

std::unique_ptr<System> System::create() { return std::make_unique<Unsupported>(); }

Result<std::unique_ptr<EventQueue>> EventQueue::create() { return not_here("kqueue"); }

}  // namespace buildjail
