#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "launch/waiter.h"
#include "linux/child.h"
#include "linux/init.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * The namespaces of a session, and in them its init (init/init.c). When this is destroyed, or the whole process ends,
 * init ends, and with it every process inside, every mount and every namespace.
 */
class Namespaces {
 public:
  /** Makes all that the plan says. */
  static Result<Namespaces> make(const NamespaceOpening& opening, Trace& trace);
  Namespaces(Namespaces&&) noexcept = default;
  Namespaces& operator=(Namespaces&&) noexcept = delete;
  ~Namespaces();

  /** Mounts the rest of a plan that was a base, and seals the root. */
  Status complete(const NamespaceOpening& opening, Trace& trace);

  /** The pid of init in the host's numbering, which no other process gets while this exists. */
  [[nodiscard]] pid_t init() const noexcept { return init_.pid; }
  /** The root of init, by its entry in /proc (proc_pid_root(5)). This is the session's root once that is sealed. */
  [[nodiscard]] std::string root() const { return "/proc/" + std::to_string(init_.pid) + "/root"; }
  [[nodiscard]] const std::shared_ptr<InitChannel>& channel() const noexcept { return channel_; }

  /** Tells init to kill everything inside and to end. May be called again, also when init is gone. Any thread. */
  Status tell_to_end();
  /**
   * Waits until init has ended, which it does after every other process inside (pid_namespaces(7)). Kills an init that
   * was told to end and does not. ETIMEDOUT at the bound.
   */
  Status wait_gone();

 private:
  Namespaces(ExecutedChild init, std::shared_ptr<InitChannel> channel, bool is_over_host)
      : init_(std::move(init)), channel_(std::move(channel)), is_over_host_(is_over_host) {}

  Status kill_init();

  ExecutedChild init_;
  std::shared_ptr<InitChannel> channel_;
  /** Whether the host's mounts are under its root until that is sealed. */
  bool is_over_host_;
  bool is_gone_ = false;
};

/** The namespaces of a session, from their making until no process is in them any more. Any thread may call it. */
class SessionNamespaces {
 public:
  /** `owner` is the number that the waiter has for the session's commands. */
  SessionNamespaces(std::shared_ptr<Waiter> waiter, std::uint64_t owner) : waiter_(std::move(waiter)), owner_(owner) {}

  /** From here on the waiter reads the answers of init. */
  Status set(Namespaces made);
  /** Null while there are no namespaces. */
  [[nodiscard]] std::shared_ptr<Namespaces> get() const {
    const std::lock_guard lock(mutex_);
    return namespaces_;
  }
  /** Ends init, and waits until every process has ended with it. Does nothing the second time. */
  Status end_processes(Trace& trace);

 private:
  std::shared_ptr<Waiter> waiter_;
  std::uint64_t owner_;
  mutable std::mutex mutex_;
  std::shared_ptr<Namespaces> namespaces_;
};

/** Pid 1 of the session, and with it the namespaces and all that is mounted in them (init/init.c). */
class InitPart final : public Part {
 public:
  explicit InitPart(const NamespaceOpening& opening) : opening_(opening) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts);

  Status make(Trace& trace) override;
  Status take_away(TakingAway& taking) override;

 private:
  const NamespaceOpening& opening_;
};

/** The rest of a plan that was a base, and the seal of the root. It goes with the namespaces. */
class RestPart final : public Part {
 public:
  explicit RestPart(const NamespaceOpening& opening) : opening_(opening) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts);

  Status make(Trace& trace) override;

 private:
  const NamespaceOpening& opening_;
};

}  // namespace buildjail
