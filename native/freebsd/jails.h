#pragma once

#include <sys/param.h>
#include <sys/cpuset.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/jail_parameters.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The means by which a child enters a jail of ours. jail_attach(2) takes a number, which may belong to another jail
 * once ours is gone, because a new jail may ask for any free number (jail(8), jid). So the child compares the root that
 * it finds with the session's. A descriptor would make that unnecessary (15.0, jail_attach_jd(2)), but in 15.1 each
 * such call keeps a reference for good (do_jail_attach drops PD_DEREF), and the jail would never die.
 */
struct JailReference {
  int jid;
  /** Its root, by stat(2). */
  dev_t dev;
  ino_t ino;
};

/** A reference to a jail with that root. */
Result<JailReference> reference_to(int jid, const std::string& root);

/** jail_remove_jd(2). A kernel that lacks it (before 15.0) sends SIGSYS, so ask JailAbilities first. */
Status remove_jail_by(int descriptor);

struct JailConfig {
  std::string name;
  std::string path;
  std::string hostname;
  const PlannedNetwork& network;
  int devfs_ruleset;
  /** A text by which people find the jail, if the kernel has `meta` (15.0). */
  std::string meta;
};

/** The processors that a jail may use (cpuset(2)). */
Result<cpuset_t> processors_of(int jid);
Status set_processors_of(int jid, const cpuset_t& processors);

/** Whether a jail has a network stack of its own: neither the host's addresses nor no network. */
bool has_own_stack(const PlannedNetwork& network);

/** A jail as jail_get(2) finds it. */
struct FoundJail {
  int jid;
  std::string path;
  bool is_dying;
};

/** The beginning of the name of each session's jail. */
inline constexpr std::string_view kJailPrefix = "bj-";

/** Whether a number is that of a session's jail, of any host program. True for a number that no jail has any more. */
Result<bool> is_of_session(int jid);

/** The jail of that name, also a dying one; empty if there is none. */
Result<std::optional<FoundJail>> find_jail(const std::string& name);

/** A jail of ours. The destructor removes it; since 15.0 the kernel does so too when this process ends. */
class Jail {
 public:
  static Result<std::unique_ptr<Jail>> create(const JailConfig& config, const JailAbilities& abilities);
  Jail(const JailReference& reference, std::string name, std::string root)
      : reference_(reference), name_(std::move(name)), root_(std::move(root)) {}
  /** A jail of a dead process, to be removed. */
  Jail(std::string name, const FoundJail& found)
      : reference_{.jid = found.jid, .dev = 0, .ino = 0},
        name_(std::move(name)),
        root_(found.path),
        is_removed_(found.is_dying) {}
  Jail& operator=(Jail&&) = delete;
  // Only memory that runs out throws in it, which ends the program. NOLINTNEXTLINE(bugprone-exception-escape)
  ~Jail() { static_cast<void>(remove()); }

  [[nodiscard]] int jid() const noexcept { return reference_.jid; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool is_removed() const noexcept { return is_removed_; }
  [[nodiscard]] const JailReference& reference() const noexcept { return reference_; }
  /** Kills every process in it. They are gone a little later. A second call does nothing. */
  Status remove();
  /**
   * To be called after `remove`, while its end is awaited: sends SIGKILL again to processes that have not ended in
   * time.
   */
  void kill_again() const;
  /** Whether uid 0 has privileges inside. A root build can turn them off (sysctl security.bsd.suser_enabled). */
  [[nodiscard]] Result<bool> is_root_privileged() const;
  /** Gives uid 0 its privileges back, which no process inside can do. */
  [[nodiscard]] Status privilege_root() const;
  /** Whether its number is still its own. */
  [[nodiscard]] bool has_its_number() const;
  /** Whether the kernel still has it, also as a dying jail. True if the kernel cannot be asked. */
  [[nodiscard]] bool is_known() const;
  /**
   * Waits until no process is in it. To be called after `remove`. The jail itself may stay for a while, dying, because
   * of a socket (jail(8)).
   */
  [[nodiscard]] Status wait_empty(std::chrono::milliseconds bound);

 private:
  /** By its name and the path of its root, because its number may be another jail's by now. */
  [[nodiscard]] Result<std::optional<FoundJail>> find() const;

  JailReference reference_;
  std::string name_;
  std::string root_;
  /** jail(2), JAIL_OWN_DESC: closing it removes the jail. */
  UniqueFd owner_;
  bool is_removed_ = false;
  std::chrono::steady_clock::time_point removed_;
  /** The kernel no longer had it. That is final: no other jail gets its name. */
  std::atomic<bool> is_gone_ = false;
};

}  // namespace buildjail
