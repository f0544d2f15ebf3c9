#include "network/session_network.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace buildjail {

namespace {

constexpr std::uint16_t kTlsPort = 443;
/** Of one listener in one turn. */
constexpr int kMostAccepted = 16;
/** Of a session in one turn, so that the others get theirs. */
constexpr std::size_t kMostMoved = 1U << 20U;
/** When so many events are untold, no more connections begin. */
constexpr std::size_t kMostUntold = 4096;
constexpr std::chrono::milliseconds kRetry{100};
/** A build may have taken the address of a name that is new. */
constexpr int kMostTries = 8;
constexpr int kBacklog = 128;
/** The bounds for bytes that the build has sent, after its end: in all, and without progress. */
constexpr std::chrono::seconds kFinishBound{5};
constexpr std::chrono::seconds kMoveBound{1};
/** No event reports that a server has acknowledged all bytes. */
constexpr std::chrono::milliseconds kLook{5};

}  // namespace

SessionNetwork::SessionNetwork(std::string session, AllowedNames names, bool checks_tls, SessionSockets sockets,
                               std::shared_ptr<Mailbox> mailbox, NetworkListener listener)
    : session_(std::move(session)),
      names_(std::move(names)),
      checks_tls_(checks_tls),
      mailbox_(std::move(mailbox)),
      listener_(std::move(listener)),
      resolver_(std::move(sockets.resolver_datagrams), std::move(sockets.resolver_listener)),
      spare_(std::move(sockets.spare)),
      spare_ipv6_(std::move(sockets.spare_ipv6)),
      lookups_(names_.addresses()) {
  auto next = sockets.listeners.begin();
  for (const ListeningAt& one : names_.listening())
    listeners_.push_back({.socket = std::move(*next++),
                          .kind = one.name->kind,
                          .name = one.name->name,
                          .address = one.address,
                          .port = one.address.port()});
}

bool SessionNetwork::are_many_untold() const { return *untold_ >= kMostUntold; }

void SessionNetwork::await(Awaited& awaited, Clock::time_point now) {
  resolver_.await(awaited, now);
  // defence: connections-bounded
  const bool is_full = connections_.size() >= kMostConnections;
  const bool waits = now < accepts_from_ || are_many_untold();
  for (Listener& one : listeners_)
    one.place = is_full || waits ? Awaited::kNowhere : awaited.add(one.socket.get(), POLLIN);
  if (waits && !is_full) awaited.add(std::max(accepts_from_, now + kRetry));
  for (Numbered& one : connections_) one.connection.await(awaited, now);
  if (!are_many_untold()) refused_.await(awaited);
  if (is_finishing()) awaited.add(now + kLook);
}

void SessionNetwork::turn(const Awaited& awaited, Clock::time_point now, MovingRoom& room) {
  resolver_.turn(awaited, now, [&](const DnsQuery& query) { return find(query, now); });
  std::vector<NetworkEvent> events;
  std::size_t moved = 0;
  auto one = connections_.begin();
  while (one != connections_.end() && moved < kMostMoved) {
    Connection& connection = one->connection;
    moved += connection.turn(awaited, now, room);
    if (connection.wants_addresses()) give_addresses(*one, now);
    if (!connection.is_over()) {
      ++one;
      continue;
    }
    lookups_.forget(one->number);
    events.push_back(connection.event(now));
    one = connections_.erase(one);
  }
  // The connections that had no turn come first in the next round.
  connections_.splice(connections_.end(), connections_, connections_.begin(), one);
  if (is_finishing() && moved > 0) moves_by_ = now + kMoveBound;
  for (Listener& listener : listeners_) {
    if (awaited.happened(listener.place) != 0) accept(listener, now);
  }
  if (!are_many_untold()) std::ranges::move(refused_.take(now), std::back_inserter(events));
  tell(std::move(events));
}

bool SessionNetwork::accept(Listener& listener, Clock::time_point now) {
  // defence: connections-bounded-2
  for (int i = 0; i < kMostAccepted && connections_.size() < kMostConnections; ++i) {
    UniqueFd accepted(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const int err = accepted ? 0 : errno;
    UniqueFd socket = above_stdio(std::move(accepted));
    if (!socket) {
      // A connection that was given up before was first in the queue (accept(2)).
      if (err == ECONNABORTED || err == EINTR) continue;
      // 0: it could not be moved above the standard descriptors.
      const bool is_none_left = err == 0 || err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
      if (is_none_left) accepts_from_ = now + kRetry;
      return !is_none_left;
    }
    const bool checks = checks_tls_ && listener.kind == AllowedName::Kind::kName && listener.port == kTlsPort;
    connections_.push_back({.number = ++last_connection_,
                            .address = listener.address,
                            .kind = listener.kind,
                            .connection = Connection(std::move(socket), listener.name, listener.port, checks, now)});
    Numbered& made = connections_.back();
    if (is_finishing()) made.connection.finish();
    if (made.connection.wants_addresses()) give_addresses(made, now);
  }
  return false;
}

void SessionNetwork::give_addresses(Numbered& one, Clock::time_point now) {
  Connection& connection = one.connection;
  const std::uint16_t port = connection.port();
  switch (one.kind) {
    case AllowedName::Kind::kAddress:
      return connection.connect({one.address}, outcome::kUnreachable, now);
    case AllowedName::Kind::kHost: {
      std::vector<Address> loopback;
      for (const char* const text : {"127.0.0.1", "::1"}) {
        if (const auto address = Address::read(text, port)) loopback.push_back(*address);
      }
      return connection.connect(std::move(loopback), outcome::kUnreachable, now);
    }
    case AllowedName::Kind::kName:
      lookups_.ask(one.number, connection.name(), port,
                   [mailbox = mailbox_, weak = weak_from_this(), number = one.number](Looked looked) {
                     mailbox->post([weak, number, looked = std::move(looked)] {
                       if (const auto session = weak.lock()) session->looked_up(number, looked);
                     });
                   });
  }
}

void SessionNetwork::looked_up(std::uint64_t number, Looked looked) {
  const auto found = std::ranges::find(connections_, number, &Numbered::number);
  if (found == connections_.end()) return;
  if (looked.addresses.empty() && looked.refused) return found->connection.end_at(*looked.refused, outcome::kPrivate);
  found->connection.connect(std::move(looked.addresses), outcome::kUnresolved, Clock::now());
}

std::optional<Resolver::Found> SessionNetwork::find(const DnsQuery& query, Clock::time_point now) {
  const auto refused = [&](std::string_view how) {
    refused_.add(query.name, how, now);
    return std::nullopt;
  };
  // defence: odd-names-refused
  if (query.has_odd_bytes) return refused(outcome::kName);
  const auto answer = [&](const Address& address) {
    if (query.type == kDnsIpv6AddressType) return Resolver::Found{names_.in_ipv6(address)};
    return query.type == kDnsAddressType ? Resolver::Found{address} : Resolver::Found{};
  };
  if (const AllowedName* const listed = names_.find(query.name)) return answer(listed->inside);
  const auto ports = names_.wildcard_ports(query.name);
  // defence: other-names-refused
  if (ports.empty()) return refused(outcome::kName);
  if (query.type != kDnsAddressType && query.type != kDnsIpv6AddressType) return Resolver::Found{};
  const auto address = address_of(query.name, ports);
  if (!address) return refused(outcome::kLimit);
  return answer(*address);
}

std::optional<Address> SessionNetwork::address_of(const std::string& name, const std::vector<std::uint16_t>& ports) {
  const auto known = wildcard_names_.find(name);
  if (known != wildcard_names_.end()) return known->second;
  // defence: wildcard-names-bounded
  if (wildcard_names_.size() >= AllowedNames::kMostWildcardNames) return std::nullopt;
  int tries = 0;
  // The session's loopback has as many addresses (freebsd/listeners.cc).
  for (std::size_t i = 0; i < names_.spare_sockets() && tries < kMostTries; ++i) {
    const Address address = AllowedNames::wildcard_address(next_wildcard_++ % names_.spare_sockets());
    const auto is_here = [&](const auto& other) { return other.second.is_same_host(address); };
    if (std::ranges::any_of(wildcard_names_, is_here)) continue;
    tries += 1;
    if (!listen_at(name, address, ports)) continue;
    wildcard_names_.emplace(name, address);
    return address;
  }
  return std::nullopt;
}

bool SessionNetwork::listen_at(const std::string& name, const Address& address, std::vector<std::uint16_t> ports) {
  const auto bound_at = [&](const Address& at) {
    return std::ranges::find_if(
        bound_, [&](const Listener& one) { return one.address.is_same_host(at) && one.port == at.port(); });
  };
  const auto missing =
      std::ranges::count_if(ports, [&](std::uint16_t port) { return bound_at(address.at(port)) == bound_.end(); });
  if (static_cast<std::size_t>(missing) > spare_.size()) return false;
  // If a server of the build has one port at all addresses, no other socket can have it at any.
  std::ranges::stable_partition(ports, [&](std::uint16_t port) { return port == taken_port_; });
  std::list<Listener> made;
  const auto bind = [&](std::vector<UniqueFd>& spare, const Address& address_and_port) {
    const auto bound = bound_at(address_and_port);
    if (bound != bound_.end()) {
      made.splice(made.end(), bound_, bound);
      return true;
    }
    const SocketAddress at(address_and_port);
    // The socket stays spare.
    if (spare.empty() || ::bind(spare.back().get(), at.get(), at.size()) != 0) return false;
    made.push_back({.socket = std::move(spare.back()),
                    .kind = AllowedName::Kind::kName,
                    .name = {},
                    .address = address_and_port,
                    .port = address_and_port.port()});
    spare.pop_back();
    return true;
  };
  bool is_whole = true;
  for (const std::uint16_t port : ports) {
    is_whole = bind(spare_, address.at(port));
    if (!is_whole) {
      taken_port_ = port;
      break;
    }
    // If a server of the build has the port in IPv6, the name is reached by its IPv4 address.
    if (names_.listens_in_ipv6()) static_cast<void>(bind(spare_ipv6_, names_.in_ipv6(address)->at(port)));
  }
  for (Listener& one : made) {
    one.name = name;
    is_whole = is_whole && ::listen(one.socket.get(), kBacklog) == 0;
  }
  std::list<Listener>& all = is_whole ? listeners_ : bound_;
  all.splice(all.end(), made);
  return is_whole;
}

void SessionNetwork::tell(std::vector<NetworkEvent> events) {
  if (events.empty()) return;
  *untold_ += events.size();
  // Destroyed once the events are reported, or can never be.
  std::shared_ptr<void> until_told(nullptr, [untold = untold_, count = events.size()](void*) { *untold -= count; });
  listener_(session_, std::move(events), std::move(until_told));
}

void SessionNetwork::finish(Clock::time_point now) {
  finishes_by_ = now + kFinishBound;
  moves_by_ = now + kMoveBound;
  for (Numbered& one : connections_) one.connection.finish();
}

bool SessionNetwork::is_finished(Clock::time_point now) {
  // defence: servers-hold-up-shortly
  if (now >= std::min(finishes_by_, moves_by_)) return true;
  if (!connections_.empty()) return false;
  const auto waiting = std::ranges::count_if(listeners_, [&](Listener& one) { return !accept(one, now); });
  return waiting == 0 && connections_.empty();
}

void SessionNetwork::end(Clock::time_point now) {
  if (std::exchange(is_over_, true)) return;
  listeners_.clear();
  std::vector<NetworkEvent> events;
  for (Numbered& one : connections_) {
    one.connection.cut();
    events.push_back(one.connection.event(now));
  }
  connections_.clear();
  std::ranges::move(refused_.take(now, true), std::back_inserter(events));
  tell(std::move(events));
}

}  // namespace buildjail
