#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "linux/child.h"

namespace buildjail {

struct NamespaceOpening;

/** A network namespace of root's, in which nothing is up but perhaps the loopback. */
struct Network {
  /** The network of a process; empty on failure. */
  static Network of(pid_t pid);

  explicit operator bool() const noexcept { return static_cast<bool>(descriptor); }

  /** For setns(2). */
  UniqueFd descriptor;
  /** Its /proc/net/sockstat (proc_pid_net(5)). */
  UniqueFd sockets;
};

/**
 * Network namespaces for root's next sessions. No other part of a session takes the kernel longer to make, or to free.
 *
 * Most are made ahead from the second session on. A thread makes them when no session was worked on for a moment:
 * beside an opening or a short command it would take more time from that than it saves the next session.
 *
 * Some were an earlier session's, and go on to one with the same outputs and the same build user, which could read in
 * these outputs what the earlier one left. No process and no socket is in them any more; besides those, an ordinary
 * user can change nothing of a network but its counters.
 */
class SpareNetworks {
 public:
  /** Whether the loopback is up in those that are made ahead. */
  enum class Loopback : std::uint8_t { kDown, kUp };

  explicit SpareNetworks(Loopback loopback);
  SpareNetworks& operator=(SpareNetworks&&) = delete;
  ~SpareNetworks();

  /** One that an earlier session with the same `key` had, or a new one; empty if none is left. An empty key is new. */
  Network take(const std::string& key);
  /** After the last process in it has ended. Keeps it for a session with the same key. */
  void give_back(Network network, std::string key);
  /** A session is being worked on: no network is made for a moment. */
  void give_way();

 private:
  struct Used {
    std::string key;
    Network network;
  };

  void loop();
  Network take_used(const std::string& key);

  const Loopback loopback_;
  /** How many new ones, and how many used ones. */
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wanted_or_stopping_;
  std::chrono::steady_clock::time_point last_done_;
  bool is_stopping_ = false;
  bool has_been_asked_ = false;
  std::vector<Network> ready_;
  /** The one given back first is the first. */
  std::deque<Used> used_;
  std::thread thread_;
};

/**
 * For a child that shares our memory: brings up the loopback of its network, with 127.0.0.1 and ::1. Needs
 * CAP_NET_ADMIN over the network (netdevice(7)).
 */
bool bring_up_loopback(Stopped& stopped);

/** The session's network: one that was handed in, or a spare one. A spare one may go on to a later session. */
class NetworkPart final : public Part {
 public:
  explicit NetworkPart(const NamespaceOpening& opening) : opening_(opening) {}
  static void add_planned(NamespaceOpening& opening, Parts& parts);

  Status make(Trace&) override;
  /** After the last process in it has ended. */
  Status take_away(TakingAway&) override;

  /** For setns(2); empty if the session makes its own network. */
  [[nodiscard]] const UniqueFd& descriptor() const noexcept { return network_.descriptor; }
  /** Whether the session makes its own network and has to bring up the loopback there. */
  [[nodiscard]] bool lacks_loopback() const;
  /** The session's init is in the network. */
  void is_in_use(pid_t init);

 private:
  [[nodiscard]] std::string key() const;

  const NamespaceOpening& opening_;
  /** Empty if the network goes to no other session. */
  std::string key_;
  Network network_;
  bool is_used_ = false;
};

}  // namespace buildjail
