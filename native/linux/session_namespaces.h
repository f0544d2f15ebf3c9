#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "base/result.h"
#include "base/trace.h"
#include "launch/waiter.h"
#include "linux/namespaces.h"

namespace buildjail {

/** The namespaces of a session, from when they are made until nothing is in them any more. Any thread. */
class SessionNamespaces {
 public:
  /** `owner` is what the session's commands are known by to the waiter. */
  SessionNamespaces(std::shared_ptr<Waiter> waiter, std::uint64_t owner) : waiter_(std::move(waiter)), owner_(owner) {}

  /** From here on what init tells is heard. */
  Status set(Namespaces made) {
    const auto channel = made.channel();
    {
      const std::lock_guard lock(mutex_);
      namespaces_ = std::make_shared<Namespaces>(std::move(made));
    }
    return waiter_->watch_channel(owner_, channel->fd(),
                                  [channel, waiter = waiter_.get()] { return channel->read(*waiter); });
  }
  /** Null while there are none. Who has them keeps them from being closed under its hands. */
  [[nodiscard]] std::shared_ptr<Namespaces> get() const {
    const std::lock_guard lock(mutex_);
    return namespaces_;
  }
  /** Has init end, and waits until every process is gone with it. Again: nothing to do. */
  Status end_processes(Trace& trace) {
    const auto inside = get();
    if (!inside) return {};
    // No launch is waited for first: one that hangs inside ends by this as well.
    if (auto status = inside->tell_to_end(); !status) return status;
    trace.mark("kill");
    if (auto status = inside->wait_gone(); !status) return status;
    // Its end is heard of by the channel, and what still ran has ended with it.
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

}  // namespace buildjail
