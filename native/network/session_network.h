#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mailbox.h"
#include "base/unique_fd.h"
#include "network/allowed_names.h"
#include "network/awaited.h"
#include "network/connection.h"
#include "network/direction.h"
#include "network/lookups.h"
#include "network/network_event.h"
#include "network/refused_names.h"
#include "network/resolver.h"

namespace buildjail {

/** Sockets of a session's network, which were made in it before its root was sealed. */
struct SessionSockets {
  UniqueFd resolver_datagrams;
  UniqueFd resolver_listener;
  /** One for each of AllowedNames::listening(), in that order. */
  std::vector<UniqueFd> listeners;
  /** Unbound, for names that wildcards stand for. */
  std::vector<UniqueFd> spare;
  /** The same of IPv6, as many or none. */
  std::vector<UniqueFd> spare_ipv6;
};

/**
 * The network of a session with `network.allow`: its resolver, its listeners and its connections. All calls come from
 * the network thread, and none waits.
 */
class SessionNetwork : public std::enable_shared_from_this<SessionNetwork> {
 public:
  using Clock = Awaited::Clock;

  /** At a time. Later ones wait to be accepted. */
  static constexpr std::size_t kMostConnections = 256;

  SessionNetwork(std::string session, AllowedNames names, bool checks_tls, SessionSockets sockets,
                 std::shared_ptr<Mailbox> mailbox, NetworkListener listener);

  void await(Awaited& awaited, Clock::time_point now);
  void turn(const Awaited& awaited, Clock::time_point now, MovingRoom& room);
  /**
   * No process of the build is left. From now on the bytes that it has sent go on, also in connections that were not
   * accepted yet, for as long as there is progress.
   */
  void finish(Clock::time_point now);
  /** Whether the servers have all bytes, or have taken none for too long. */
  bool is_finished(Clock::time_point now);
  /** Ends all connections, and reports them. */
  void end(Clock::time_point now);

 private:
  struct Listener {
    UniqueFd socket;
    AllowedName::Kind kind;
    std::string name;
    /** Of an entry that is an address. */
    Address address;
    std::uint16_t port;
    Awaited::Place place = Awaited::kNowhere;
  };
  struct Numbered {
    std::uint64_t number;
    Address address;
    AllowedName::Kind kind;
    Connection connection;
  };

  /** Returns whether no connection waits there any more. */
  bool accept(Listener& listener, Clock::time_point now);
  void give_addresses(Numbered& one, Clock::time_point now);
  void looked_up(std::uint64_t number, Looked looked);
  std::optional<Resolver::Found> find(const DnsQuery& query, Clock::time_point now);
  /** The address of a name that a wildcard covers. Empty if there can be no more of them. */
  std::optional<Address> address_of(const std::string& name, const std::vector<std::uint16_t>& ports);
  bool listen_at(const std::string& name, const Address& address, std::vector<std::uint16_t> ports);
  void tell(std::vector<NetworkEvent> events);
  [[nodiscard]] bool are_many_untold() const;
  [[nodiscard]] bool is_finishing() const noexcept { return finishes_by_ != Clock::time_point::max(); }

  std::string session_;
  AllowedNames names_;
  bool checks_tls_;
  std::shared_ptr<Mailbox> mailbox_;
  NetworkListener listener_;
  Resolver resolver_;
  /** A list, so that they stay where they are when a new name of a wildcard adds some. */
  std::list<Listener> listeners_;
  std::vector<UniqueFd> spare_;
  std::vector<UniqueFd> spare_ipv6_;
  /**
   * Sockets that were bound where another port of the address was taken. The next name that gets the address has them,
   * because a bound socket can have no other address.
   */
  std::list<Listener> bound_;
  /** The last port that a server of the build had. */
  std::uint16_t taken_port_ = 0;
  std::map<std::string, Address> wildcard_names_;
  /** Of the address that is tried next. */
  std::size_t next_wildcard_ = 0;
  std::list<Numbered> connections_;
  std::uint64_t last_connection_ = 0;
  Lookups lookups_;
  RefusedNames refused_;
  std::shared_ptr<std::atomic<std::size_t>> untold_ = std::make_shared<std::atomic<std::size_t>>(0);
  /** The time until which no connection is accepted, because no descriptor was left. */
  Clock::time_point accepts_from_{};
  /** The time of its end at the latest, and without progress. Infinite while it is not finished. */
  Clock::time_point finishes_by_ = Clock::time_point::max();
  Clock::time_point moves_by_ = Clock::time_point::max();
  bool is_over_ = false;
};

}  // namespace buildjail
