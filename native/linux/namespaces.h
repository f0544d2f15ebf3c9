#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "launch/waiter.h"
#include "linux/call_notices.h"
#include "linux/child.h"
#include "linux/init.h"
#include "linux/init_calls.h"
#include "linux/path_trace.h"
#include "linux/session_cgroup.h"
#include "plan/plan.h"
#include "state/set_group_id_folders.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * Makes a mount namespace of root's with a read-only root and nothing in it, for setns(2). Sessions copy it and not the
 * host's, whose copy takes longer the more is mounted there. Empty if it cannot be made, or if this is root of a
 * container that may not make devices: it may not mount a /proc either where it sees no other one
 * (mount_namespaces(7)), and copies the host's mounts.
 */
UniqueFd make_empty_mounts();

/** What the namespaces of all sessions are made with. */
struct NamespaceHost {
  /** From make_init_image(). */
  UniqueFd init_image;
  /** From make_empty_mounts(); empty without root. */
  UniqueFd empty_mounts;

  /** Sessions are made in a copy of the host's mounts. */
  [[nodiscard]] bool is_over_host() const noexcept { return !empty_mounts; }
};

/** What namespaces are born with. A blank can become any session that was to be born so. */
struct Birth {
  /** The maps of the user namespace that an ordinary caller's session makes (user_namespaces(7)); empty for root. */
  std::string uid_map{};
  std::string gid_map{};
  uid_t caller = 0;
  bool has_network = true;
  /** Of a blank over the host's mounts: the version of their table at its birth, where that can be known. */
  std::optional<std::uint64_t> mounts = 0;

  [[nodiscard]] bool is_callers() const { return !uid_map.empty(); }
  bool operator==(const Birth&) const = default;
};

/** What a blank has none of: it is born before they are known. */
struct Joined {
  /** A network namespace, or -1. */
  int network = -1;
  const CgroupEntrances* cgroup = nullptr;
};

/**
 * The namespaces of a session, and in them its init (init/init.c). When this is destroyed, or the whole process ends,
 * init ends, and with it every process inside, every mount and every namespace.
 */
class Namespaces {
 public:
  static Result<Namespaces> make(const NamespaceHost& host, const Birth& birth, const Joined& joined);
  /** With what every session has: its own root, /dev and /proc. */
  static Result<Namespaces> make_blank(const NamespaceHost& host, const Birth& birth);
  Namespaces(Namespaces&&) noexcept = default;
  Namespaces& operator=(Namespaces&&) noexcept = default;
  ~Namespaces();

  [[nodiscard]] const Birth& birth() const noexcept { return birth_; }
  /** The pid of init in the host's numbering, which no other process gets while this exists. */
  [[nodiscard]] pid_t init() const noexcept { return init_.pid; }
  /** The root of init, by its entry in /proc (proc_pid_root(5)). This is the session's root once that is sealed. */
  [[nodiscard]] std::string root() const { return "/proc/" + std::to_string(init_.pid) + "/root"; }
  [[nodiscard]] const std::shared_ptr<InitChannel>& channel() const noexcept { return channel_; }

  /** Keeps the mounts for as long as it is open. Empty without root, and when init is gone. */
  [[nodiscard]] UniqueFd hold_mounts() const;
  /** Tells init to kill everything inside and to end. May be called again, also when init is gone. Any thread. */
  Status tell_to_end();
  /**
   * Waits until init has ended, which it does after every other process inside (pid_namespaces(7)). Kills an init that
   * was told to end and does not. ETIMEDOUT at the bound.
   */
  Status wait_gone();

 private:
  Namespaces(ExecutedChild init, std::shared_ptr<InitChannel> channel, Birth birth)
      : init_(std::move(init)), channel_(std::move(channel)), birth_(std::move(birth)) {}

  Status kill_init();

  ExecutedChild init_;
  std::shared_ptr<InitChannel> channel_;
  Birth birth_;
  bool is_gone_ = false;
};

/** The trace of a session, which has a thread of its own. */
struct PathsSeen {
  PathsSeen(LastingPlaces lasting, bool tells_modes) : places(std::move(lasting)), has_modes(tells_modes) {}

  LastingPlaces places;
  bool has_modes;
  CallNotices notices{};
};

/** The namespaces of a session, from their making until no process is in them any more. Any thread may call it. */
class SessionNamespaces {
 public:
  /** `owner` is the number that the waiter has for the session's commands. `notices` outlives this. */
  SessionNamespaces(std::shared_ptr<Waiter> waiter, std::uint64_t owner, CallNotices& notices,
                    std::shared_ptr<SeenPaths> seen = nullptr)
      : waiter_(std::move(waiter)), owner_(owner), notices_(notices), seen_(std::move(seen)) {}

  void set(Namespaces made);
  /** Null while there are no namespaces. */
  [[nodiscard]] std::shared_ptr<Namespaces> get() const {
    const std::lock_guard lock(mutex_);
    return namespaces_;
  }
  /** The calls that init makes next, to be confirmed. */
  InitCalls& calls();
  [[nodiscard]] bool has_calls() const { return calls_.has_value(); }
  /** Waits until init has made them. `is_launched`: after the seal a launch was sent. */
  Status confirm(bool is_launched, Trace& trace);
  /** The last descriptors that the calls show are so many sockets. */
  void await_sockets(std::size_t count) { awaited_sockets_ = count; }
  /** Those, once they are confirmed. */
  std::vector<UniqueFd> take_sockets() { return std::move(sockets_); }
  /** Once the root is sealed: from here on the waiter reads the answers of init. */
  Status watch(const Namespaces& inside);
  /**
   * Ends init, and waits until every process has ended with it. Does nothing the second time. The mounts stay until
   * `let_go`: the process that lets go of them waits for all processors.
   */
  Status end_processes(Trace& trace);
  void let_go() {
    mounts_.reset();
    rooms_.clear();
    copies_.clear();
  }
  /** The folders of the layers of overlays, one for each opening that has any. */
  [[nodiscard]] const std::vector<UniqueFd>& rooms() const noexcept { return rooms_; }
  /** The top folder of a copy that stands for an overlay. */
  void keep_copy(const Bind& bind, UniqueFd top) { copies_.emplace(&bind, std::move(top)); }
  [[nodiscard]] const std::map<const Bind*, UniqueFd>& copies() const noexcept { return copies_; }
  /** Null where the session has no listener. Changes until the processes have ended. */
  [[nodiscard]] const SetGroupIdFolders* set_group_id() const noexcept { return set_group_id_.get(); }
  /** Its filter tells of calls with paths. `has_modes`: of those that set the set-group-ID bit, too. */
  void see_paths(LastingPlaces places, bool has_modes);
  /** Null without a trace. */
  [[nodiscard]] const std::shared_ptr<SeenPaths>& seen_paths() const noexcept { return seen_; }

 private:
  /** Once the filter is installed. */
  Status listen(UniqueFd listener);

  std::shared_ptr<Waiter> waiter_;
  std::uint64_t owner_;
  CallNotices& notices_;
  mutable std::mutex mutex_;
  std::shared_ptr<Namespaces> namespaces_;
  UniqueFd mounts_;
  std::vector<UniqueFd> rooms_;
  std::size_t awaited_sockets_ = 0;
  std::vector<UniqueFd> sockets_;
  std::map<const Bind*, UniqueFd> copies_;
  /** Of the thread that opens or completes the session. */
  std::optional<InitCalls> calls_;
  std::shared_ptr<SetGroupIdFolders> set_group_id_;
  std::shared_ptr<SeenPaths> seen_;
  std::unique_ptr<PathsSeen> trace_;
  /** After `trace_`, whose thread it stops watching. */
  std::unique_ptr<CallNotices::Watch> listening_;
};

/**
 * Pid 1 of the session, and with it the namespaces and all that is mounted in them (init/init.c): what the plan, or the
 * rest of a base, has in the root, and the seal of that. The rest goes with the namespaces of its base.
 */
class RootPart final : public Part {
 public:
  explicit RootPart(const NamespaceOpening& opening) : opening_(opening) {}
  static void add_planned(const NamespaceOpening& opening, Parts& parts);

  Status make(Trace& trace) override;
  Status take_away(TakingAway& taking) override;

 private:
  Status make_namespaces(Trace& trace);

  const NamespaceOpening& opening_;
};

}  // namespace buildjail
