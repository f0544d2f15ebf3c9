#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "linux/empty_mounts.h"
#include "linux/init_channel.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The namespaces of a session, and in them its init (init/init.c), which they live and die with. When this goes, or the
 * whole process, init ends, and with it every process inside, every mount and every namespace.
 */
class Namespaces {
 public:
  /** What there is already of what a session needs, each empty where there is none. */
  struct Ready {
    /** What make_init_image() gave. */
    const UniqueFd& init_image;
    const EmptyMounts& mounts;
    /** Of SpareNetworks. */
    const UniqueFd& network;
  };

  /** Makes everything the plan says. */
  static Result<Namespaces> make(const EnvelopePlan& plan, const Ready& ready, Trace& trace);
  Namespaces(Namespaces&&) noexcept = default;
  Namespaces& operator=(Namespaces&&) noexcept = delete;
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;
  ~Namespaces();

  /** Performs the rest of a plan that was a base, and seals the root. */
  Status complete(const std::vector<Step>& rest, Trace& trace);

  /** Of init, in the host's numbering; it is not reused while this is there. */
  [[nodiscard]] pid_t init() const noexcept { return init_; }
  /** The way to init. */
  [[nodiscard]] const std::shared_ptr<InitChannel>& channel() const noexcept { return channel_; }

  /**
   * Begins the end: init kills everything inside, hands back what was lent, and ends. Again, also when it is gone:
   * nothing to do. Any thread.
   */
  Status tell_to_end();
  /**
   * Waits for the end, which is when every process that was inside is dead and waited for (pid_namespaces(7)); what we
   * launched, by whoever watches it. An init that was told and does not end is killed. ETIMEDOUT when it takes
   * unreasonably long.
   */
  Status wait_gone();

 private:
  Namespaces(pid_t init, UniqueFd pidfd, std::shared_ptr<InitChannel> channel, int kinds, bool is_over_host)
      : init_(init),
        pidfd_(std::move(pidfd)),
        channel_(std::move(channel)),
        kinds_(kinds),
        is_over_host_(is_over_host) {}

  Status kill_init();

  pid_t init_;
  UniqueFd pidfd_;
  std::shared_ptr<InitChannel> channel_;
  int kinds_;
  /** Until its root is sealed, the host's mounts are under it. */
  bool is_over_host_;
  bool is_gone_ = false;
};

/** Whether sessions of this process get a user namespace: without root there are no other namespaces to be had. */
bool needs_user_namespace();

}  // namespace buildjail
