#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "envelope/part.h"
#include "launch/waiter.h"
#include "linux/host.h"
#include "linux/namespaces.h"
#include "linux/networks.h"
#include "linux/session_cgroup.h"
#include "linux/system_call_filter.h"
#include "plan/plan.h"
#include "state/journal.h"

namespace buildjail {

struct NamespaceOpening;

/** The namespaces of a session, from their making until no process is in them any more. Any thread may call it. */
class SessionNamespaces {
 public:
  /** `owner` is the number that the waiter has for the session's commands. */
  SessionNamespaces(std::shared_ptr<Waiter> waiter, std::uint64_t owner) : waiter_(std::move(waiter)), owner_(owner) {}

  /** From here on the waiter reads the answers of init. */
  Status set(Namespaces made) {
    const auto channel = made.channel();
    {
      const std::lock_guard lock(mutex_);
      namespaces_ = std::make_shared<Namespaces>(std::move(made));
    }
    return waiter_->watch_channel(owner_, channel->fd(),
                                  [channel, waiter = waiter_.get()] { return channel->read(*waiter); });
  }
  /** Null while there are no namespaces. */
  [[nodiscard]] std::shared_ptr<Namespaces> get() const {
    const std::lock_guard lock(mutex_);
    return namespaces_;
  }
  /** Ends init, and waits until every process has ended with it. Does nothing the second time. */
  Status end_processes(Trace& trace) {
    const auto inside = get();
    if (!inside) return {};
    // This waits for no launch first: one that hangs inside ends with init.
    if (auto status = inside->tell_to_end(); !status) return status;
    trace.mark("kill");
    if (auto status = inside->wait_gone(); !status) return status;
    // The waiter hears of the end by the channel, and then knows that the commands have ended too.
    static_cast<void>(waiter_->wait_reaped(owner_, kHearBound));
    waiter_->forget_channel(owner_, inside->channel()->fd());
    trace.mark("reap");
    const std::lock_guard lock(mutex_);
    namespaces_.reset();
    return {};
  }

 private:
  static constexpr std::chrono::milliseconds kHearBound{1000};

  std::shared_ptr<Waiter> waiter_;
  std::uint64_t owner_;
  mutable std::mutex mutex_;
  std::shared_ptr<Namespaces> namespaces_;
};

/** Pid 1 of the session, and with it the namespaces and all that is mounted in them (init/init.c). */
class InitPart final : public Part {
 public:
  /** The parts that are made before it. */
  struct EarlierParts {
    NetworkPart& network;
    const SessionIds& ids;
    const SessionCgroup& cgroup;
    const Journal& journal;
    const Nesting& nesting;
  };

  /** All outlive it. */
  InitPart(SessionNamespaces& inside, const EnvelopePlan& plan, LinuxHost& host, EarlierParts earlier)
      : inside_(inside), plan_(plan), host_(host), earlier_(earlier) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts);

  Status make(Trace& trace) override {
    std::optional<SystemCallFilter> own;
    if (!plan_.allowed.is_empty()) own.emplace(plan_.allowed);
    // The rest of a base may add to /etc.
    auto etc = plan_.is_base || !host_.mounts.descriptor ? Result(std::shared_ptr<const UniqueFd>())
                                                         : host_.etc.take(plan_.steps, host_.mounts.descriptor);
    if (!etc) return std::move(etc.error());
    auto made = Namespaces::make(plan_,
                                 {.init_image = host_.init_image,
                                  .mounts = host_.mounts,
                                  .etc = etc->get(),
                                  .network = earlier_.network.descriptor(),
                                  .brings_up_loopback = earlier_.network.lacks_loopback(),
                                  .filter = own ? *own : host_.filter,
                                  .ids = earlier_.ids,
                                  .cgroup = earlier_.cgroup.entrances(),
                                  .nesting = earlier_.nesting,
                                  .lock = earlier_.journal.lock()},
                                 trace);
    if (!made) return std::move(made.error());
    earlier_.network.is_in_use(made->init());
    return inside_.set(std::move(*made));
  }
  Status take_away(TakingAway& taking) override { return inside_.end_processes(taking.trace); }

 private:
  SessionNamespaces& inside_;
  const EnvelopePlan& plan_;
  LinuxHost& host_;
  EarlierParts earlier_;
};

/** The rest of a plan that was a base, and the seal of the root. It goes with the namespaces. */
class RestPart final : public Part {
 public:
  /** All outlive it. */
  RestPart(SessionNamespaces& inside, const std::vector<Step>& steps, const Nesting& nesting, const SessionIds& ids,
           const BuildUser& user)
      : inside_(inside), steps_(steps), nesting_(nesting), ids_(ids), user_(user) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts);

  Status make(Trace& trace) override { return inside_.get()->complete(steps_, nesting_, ids_, user_, trace); }

 private:
  SessionNamespaces& inside_;
  const std::vector<Step>& steps_;
  const Nesting& nesting_;
  const SessionIds& ids_;
  const BuildUser& user_;
};

}  // namespace buildjail
