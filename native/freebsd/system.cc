#include <sys/param.h>
#include <sys/mount.h>
#include <sys/sysctl.h>

#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <optional>

#include "core/envelope.h"
#include "freebsd/envelope.h"
#include "freebsd/jail_parameters.h"

namespace buildjail {

namespace {

// nullfs(4) mounts single files since then.
constexpr int kFirstSupported = 1400000;

bool is_jailed() {
  int jailed = 0;
  std::size_t size = sizeof(jailed);
  return ::sysctlbyname("security.jail.jailed", &jailed, &size, nullptr, 0) == 0 && jailed != 0;
}

class FreeBsd final : public System {
 public:
  [[nodiscard]] const char* name() const override { return "freebsd"; }

  std::vector<Obstacle> find_obstacles() override {
    std::vector<Obstacle> obstacles;
    if (::geteuid() != 0) {
      obstacles.push_back(
          {"privilege", "only root may make jails and mounts (jail_set(2), nmount(2))", "run it as root"});
    }
    if (::getosreldate() < kFirstSupported) {
      obstacles.push_back(
          {"version", "this FreeBSD is older than 14.0, whose nullfs cannot mount files", "use FreeBSD 14.0 or later"});
    }
    if (is_jailed()) {
      obstacles.push_back(
          {"jailed", "this process is in a jail itself, where mounting is not permitted", "run it on the host"});
    }
    return obstacles;
  }

  Result<std::unique_ptr<Envelope>> open(EnvelopePlan plan, const std::string& id,
                                         std::shared_ptr<ExitWaiter> waiter) override {
    auto known = parameters();
    if (!known) return std::move(known.error());
    return JailEnvelope::open(std::move(plan), id, std::move(waiter), **known);
  }

 private:
  /** The parameters do not change while a kernel runs, but for those of modules loaded later, which all are off by
   * default. */
  Result<const std::vector<JailParameter>*> parameters() {
    const std::lock_guard lock(mutex_);
    if (parameters_.empty()) {
      auto listed = list_jail_parameters();
      if (!listed) return std::move(listed.error());
      parameters_ = std::move(*listed);
    }
    return &std::as_const(parameters_);
  }

  std::mutex mutex_;
  std::vector<JailParameter> parameters_;
};

}  // namespace

std::unique_ptr<System> System::create() { return std::make_unique<FreeBsd>(); }

}  // namespace buildjail
