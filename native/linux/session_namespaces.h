#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "base/result.h"
#include "base/trace.h"
#include "linux/namespaces.h"

namespace buildjail {

/** The namespaces of a session, from when they are made until nothing is in them any more. Any thread. */
class SessionNamespaces {
 public:
  void set(Namespaces made) {
    const std::lock_guard lock(mutex_);
    namespaces_ = std::make_shared<Namespaces>(std::move(made));
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
    trace.mark("reap");
    const std::lock_guard lock(mutex_);
    namespaces_.reset();
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Namespaces> namespaces_;
};

}  // namespace buildjail
