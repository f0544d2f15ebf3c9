#include <mutex>

#include "core/envelope.h"
#include "freebsd/envelope.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/obstacles.h"

namespace buildjail {

namespace {

class FreeBsd final : public System {
 public:
  [[nodiscard]] const char* name() const override { return "freebsd"; }

  std::vector<Obstacle> find_obstacles() override { return find_freebsd_obstacles(); }
  std::vector<Obstacle> find_limitations() override { return find_freebsd_limitations(); }

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
