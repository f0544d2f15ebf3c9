#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/child.h"
#include "linux/init.h"
#include "linux/init_calls.h"
#include "linux/session_cgroup.h"

namespace buildjail {

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

  /** Whether sessions are made in a copy of the host's mounts. */
  [[nodiscard]] bool is_over_host() const noexcept { return !empty_mounts; }
};

/** How namespaces are made. A blank can become any session that needs the same. */
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

/** Not part of a blank, which is made before they are known. */
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
  /** Makes them with what every session has: its own root, /dev and /proc. */
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
  /** Tells init to kill all other processes and to end. May be called again, also when init is gone. Any thread. */
  Status tell_to_end();
  /**
   * Waits until init has ended, which it does after every other process inside (pid_namespaces(7)). Kills an init that
   * was told to end and has not. ETIMEDOUT at the bound.
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

/**
 * The calls by which init makes what every session has: its own root, /dev and /proc. Over the host's mounts, a blank
 * follows the host's mounts and unmounts until all sources are mounted, so that it keeps no mount that the host removes
 * (mount_namespaces(7), shared subtrees).
 */
Status make_blank_root(const NamespaceHost& host, const Birth& birth, InitCalls& calls);

}  // namespace buildjail
