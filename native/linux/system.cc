#include <sys/prctl.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>

#include "envelope/system.h"
#include "linux/child.h"
#include "linux/envelope.h"
#include "linux/init.h"
#include "linux/obstacles.h"
#include "linux/prepared_mounts.h"
#include "state/private_directories.h"
#include "state/recovery.h"

namespace buildjail {

namespace {

/** How long a recovery waits for another one that is at work. */
constexpr std::chrono::milliseconds kOthersBound{10000};

Status check_network(const PlannedNetwork& network) {
  using Kind = PlannedNetwork::Kind;
  SysError refused{.step = "network", .syscall = "setns", .err = EPERM, .path = network.handed_in};
  if (network.kind == Kind::kInterface) {
    refused.err = ENOTSUP;
    refused.detail = "on Linux no interface can be moved into a session";
    return refused;
  }
  // A session in a user namespace of its own may enter no network that belongs to another (setns(2)).
  if (network.kind == Kind::kNamespace && has_callers_id_only()) {
    refused.detail = "a network namespace can be handed in by root only (setns(2))";
    return refused;
  }
  return {};
}

class Linux final : public SessionSystem {
 public:
  // Asked now, because the answer changes while a base is being completed (NamespaceEnvelope::complete).
  Linux()
      : SessionSystem(let_go_of_host_program, recovery_of), is_dumpable_(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1) {}

  [[nodiscard]] const char* name() const override { return "linux"; }

  std::vector<Obstacle> find_obstacles() override {
    auto found = host();
    if (!found) return {explain(found.error())};
    auto error = try_namespaces((*found)->init_image);
    return error ? std::vector<Obstacle>{explain(*error)} : std::vector<Obstacle>{};
  }

  std::vector<Obstacle> find_limitations() override {
    auto found = find_id_limitations();
    for (auto& network : find_network_limitations()) found.push_back(std::move(network));
    if (auto limits = CgroupPlaces().find_limitation()) found.push_back(std::move(*limits));
    if (const auto made = host()) {
      if (auto overlays = find_overlay_limitation((*made)->init_image)) found.push_back(std::move(*overlays));
    }
    return found;
  }

  RecoveryReport recover(const std::string& state_directory) override {
    return recover_state(state_directory, kOthersBound);
  }

 private:
  Status prepare(const EnvelopePlan& plan) override {
    if (has_callers_id_only() && plan.ids) {
      return SysError{.step = "ids",
                      .syscall = "write",
                      .err = EPERM,
                      .path = "/proc/self/uid_map",
                      .detail =
                          "ids can be given by root only: without it a session has the caller's and no other "
                          "(user_namespaces(7))"};
    }
    if (has_callers_id_only() && !plan.user.groups.empty()) {
      return SysError{.step = "user",
                      .syscall = "setgroups",
                      .err = EPERM,
                      .detail = "supplementary groups can be given by root only (user_namespaces(7), setgroups)"};
    }
    if (auto status = check_network(plan.network); !status) return status;
    const auto found = host();
    if (!found) return found.error();
    if (plan.limits.is_empty()) return {};
    const auto placed = (*found)->cgroups.place(plan.limits);
    return placed ? Status() : placed.error();
  }

  Status hold_state(const std::string& state_directory) override { return make_private_directory(state_directory); }

  Result<std::unique_ptr<Envelope>> make(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                         Trace trace) override {
    auto found = host();
    if (!found) return std::move(found.error());
    return NamespaceEnvelope::open(std::move(plan), std::move(lessee), std::move(waiter), std::move(*found),
                                   std::move(trace));
  }

  Result<std::shared_ptr<LinuxHost>> host() {
    const std::lock_guard lock(mutex_);
    if (!host_) {
      auto image = make_init_image();
      if (!image) return std::move(image.error());
      host_ = std::make_shared<LinuxHost>(std::move(*image),
                                          has_callers_id_only() ? EmptyMounts() : make_empty_mounts(), is_dumpable_);
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
