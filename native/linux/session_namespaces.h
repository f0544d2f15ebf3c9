#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "launch/waiter.h"
#include "linux/call_notices.h"
#include "linux/init_calls.h"
#include "linux/namespaces.h"
#include "linux/session_paths.h"
#include "plan/plan.h"
#include "seen/seen_paths.h"
#include "state/set_group_id_folders.h"

namespace buildjail {

/** The trace of a session, with a thread of its own. */
struct PathsSeen {
  PathsSeen(LastingPlaces lasting, bool tells_modes) : places(std::move(lasting)), has_modes(tells_modes) {}

  LastingPlaces places;
  bool has_modes;
  CallNotices notices{};
};

/** The namespaces of a session, from the start until no process is left in them. Any thread may call it. */
class SessionNamespaces {
 public:
  /** `owner` is the number under which the waiter keeps the session's commands. `notices` outlives this. */
  SessionNamespaces(std::shared_ptr<Waiter> waiter, std::uint64_t owner, CallNotices& notices,
                    std::shared_ptr<SeenPaths> seen = nullptr)
      : waiter_(std::move(waiter)), owner_(owner), notices_(notices), seen_(std::move(seen)) {}

  void set(Namespaces made);
  /** Null while there are no namespaces. */
  [[nodiscard]] std::shared_ptr<Namespaces> get() const {
    const std::lock_guard lock(mutex_);
    return namespaces_;
  }
  /** The calls that init makes next, until they are confirmed. */
  InitCalls& calls();
  [[nodiscard]] bool has_calls() const { return calls_.has_value(); }
  /** Waits until init has made the calls. `is_launched`: a launch followed the seal. */
  Status confirm(bool is_launched, Trace& trace);
  /** The last `count` descriptors that the calls show are sockets. */
  void await_sockets(std::size_t count) { awaited_sockets_ = count; }
  /** These sockets, once they are confirmed. */
  std::vector<UniqueFd> take_sockets() { return std::move(sockets_); }
  /** To be called once the root is sealed. From here on the waiter reads the answers of init. */
  Status watch(const Namespaces& inside);
  /**
   * Ends init, and waits until every process has ended with it. A second call does nothing. The mounts stay until
   * `let_go`, because the process that lets go of them waits for all processors.
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
  /** Null if the session has no listener. It changes until the processes have ended. */
  [[nodiscard]] const SetGroupIdFolders* set_group_id() const noexcept { return set_group_id_.get(); }
  /** Has the filter report calls with paths. `has_modes`: also the calls that set the set-group-ID bit. */
  void see_paths(LastingPlaces places, bool has_modes);
  /** Null without a trace. */
  [[nodiscard]] const std::shared_ptr<SeenPaths>& seen_paths() const noexcept { return seen_; }

 private:
  /** To be called once the filter is installed. */
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
  /** Declared after `trace_`, whose thread stops watching when this is destroyed. */
  std::unique_ptr<CallNotices::Watch> listening_;
};

}  // namespace buildjail
