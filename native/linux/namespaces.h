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
#include "linux/session_cgroup.h"
#include "linux/system_call_filter.h"
#include "linux/user_spaces.h"
#include "plan/nesting.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The namespaces of a session, and in them its init (init/init.c), which they live and die with. When this goes, or the
 * whole process, init ends, and with it every process inside, every mount and every namespace.
 */
class Namespaces {
 public:
  /** What there is already of what a session needs; of mounts and network, empty where there is none. */
  struct Ready {
    /** What make_init_image() gave. */
    const UniqueFd& init_image;
    const EmptyMounts& mounts;
    /** Of PreparedEtc, or null: mounts to copy in the place of those. */
    const UniqueFd* etc;
    /** Of SpareNetworks, or one that was handed in. */
    const UniqueFd& network;
    /** Of a network that is made with the session. */
    bool brings_up_loopback = false;
    /** Of what the plan allows. */
    const SystemCallFilter& filter;
    /** Of UserSpaces; has no namespace where the session has none, or makes one of its own. */
    const UserSpace& user;
    /** Of the session's cgroups; empty where it has none. */
    const CgroupEntrances& cgroup;
    const Nesting& nesting;
    /** To see whether there are any at all. */
    bool overlays_are_unmapped = false;
    /** A lock that init has until it ends, or -1. */
    int lock = -1;
  };

  /** Makes everything the plan says. */
  static Result<Namespaces> make(const EnvelopePlan& plan, const Ready& ready, Trace& trace);
  Namespaces(Namespaces&&) noexcept = default;
  Namespaces& operator=(Namespaces&&) noexcept = delete;
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;
  ~Namespaces();

  /** Performs the rest of a plan that was a base, and seals the root. `outside`: as OwnSources's; none without it. */
  Status complete(const std::vector<Step>& rest, const Nesting& nesting, const std::optional<BuildUser>& outside,
                  Trace& trace);

  /** Of init, in the host's numbering; it is not reused while this is there. */
  [[nodiscard]] pid_t init() const noexcept { return init_; }
  /** The root of init, by its entry in /proc (proc_pid_root(5)): the session's, once that is sealed. */
  [[nodiscard]] std::string root() const { return "/proc/" + std::to_string(init_) + "/root"; }
  /** The way to init. */
  [[nodiscard]] const std::shared_ptr<InitChannel>& channel() const noexcept { return channel_; }

  /**
   * Begins the end: init kills everything inside and ends. Again, also when it is gone: nothing to do. Any thread.
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

/**
 * Whether sessions of this process make their user namespace themselves, with one id of the build in it: who is not
 * root has no other namespaces, and no other id.
 */
bool makes_own_user_space();

}  // namespace buildjail
