#include "network/connection.h"

#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#ifdef __linux__
#include <linux/sockios.h>
#else
#include <sys/filio.h>
#endif

#include <algorithm>
#include <cerrno>
#include <utility>

namespace buildjail {

namespace {

/** Between the beginnings of two attempts (RFC 8305, 8). */
constexpr std::chrono::milliseconds kBetweenAttempts{250};
constexpr std::chrono::seconds kConnectBound{30};
/** FreeBSD's poll(2) does not return for an error of a socket without awaited events. */
constexpr std::chrono::seconds kLook{1};
/** The time in which a server must take some of the bytes that an ended program has sent. */
constexpr std::chrono::seconds kStallBound{60};

void set_option(int socket, int level, int name, int value = 1) {
  static_cast<void>(::setsockopt(socket, level, name, &value, sizeof(value)));
}

/** Bytes go on when they come, and in their order: the program that wrote them decided how many go together. */
void pass_on_as_they_come(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY);
  // Urgent bytes too, as RFC 6093 wants it.
  set_option(socket, SOL_SOCKET, SO_OOBINLINE);
}

/**
 * Has the kernel ask the other end whether it still exists. A program that has closed its socket looks like one that
 * has ended one direction. Once its kernel forgets it, the connection is reset (tcp(7), tcp_fin_timeout).
 */
void ask_whether_there(int socket) {
  constexpr int kIdleSeconds = 30;
  constexpr int kIntervalSeconds = 15;
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
}

/** Bytes that were written to a socket and not acknowledged by the other end. Their end may count as one. */
std::size_t unacknowledged(int socket) {
#ifdef SIOCOUTQ
  constexpr unsigned long kUnacknowledged = SIOCOUTQ;
#else
  constexpr unsigned long kUnacknowledged = FIONWRITE;
#endif
  int count = 0;
  // If the kernel does not say, the connection is closed, and the kernel goes on sending (tcp(7)).
  if (::ioctl(socket, kUnacknowledged, &count) != 0) return 0;
  return static_cast<std::size_t>(std::max(count, 0));
}

/** Whether its other end gets a reset when it is closed, also by the end of this process (socket(7), SO_LINGER). */
void reset_at_close(int socket, bool is_reset) {
  const linger how{.l_onoff = is_reset ? 1 : 0, .l_linger = 0};
  static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_LINGER, &how, sizeof(how)));
}

std::string_view outcome_of(int err) {
  if (err == ECONNREFUSED) return outcome::kRefused;
  if (err == ETIMEDOUT) return outcome::kTimeout;
  if (err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM) return outcome::kLimit;
  return outcome::kUnreachable;
}

/** The errno of a failed attempt to connect; 0 if it has not failed. */
int error_of(int socket, const Address& to) {
  int err = 0;
  socklen_t size = sizeof(err);
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &err, &size) != 0) return errno;
  if (err != 0) return err;
  sockaddr_storage raw{};
  size = sizeof(raw);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&raw), &size) != 0) return errno;
  const auto own = Address::from(*reinterpret_cast<const sockaddr*>(&raw));
  // If no server of the host listens there, a socket that happens to have the same port connects to itself (RFC 9293,
  // 3.5). It would then keep the port from the server.
  // defence: no-connection-to-itself
  if (own && own->is_same_host(to) && own->port() == to.port()) return ECONNREFUSED;
  return 0;
}

}  // namespace

void reset_connection(UniqueFd& socket) {
  if (socket) reset_at_close(socket.get(), true);
  socket.reset();
}

void Attempts::begin(std::vector<Address> addresses, Clock::time_point now) {
  left_ = std::move(addresses);
  std::ranges::reverse(left_);
  until_ = now + kConnectBound;
  start_next(now);
}

void Attempts::failed(int err) {
  // The reason is that of the preferred address, unless a later server refuses.
  if (failure_ == outcome::kUnreachable || err == ECONNREFUSED) failure_ = outcome_of(err);
}

void Attempts::connected(UniqueFd socket, const Address& address) {
  connected_ = std::move(socket);
  address_ = address.text();
  under_way_.clear();
  left_.clear();
}

void Attempts::start_next(Clock::time_point now) {
  while (!left_.empty()) {
    const Address address = left_.back();
    left_.pop_back();
    const SocketAddress to(address);
    UniqueFd socket = above_stdio(UniqueFd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
    if (!socket) {
      failed(errno);
      continue;
    }
    next_at_ = now + kBetweenAttempts;
    if (::connect(socket.get(), to.get(), to.size()) == 0 || errno == EINPROGRESS || errno == EINTR) {
      under_way_.push_back({.socket = std::move(socket), .address = address});
      return;
    }
    failed(errno);
  }
}

void Attempts::await(Awaited& awaited) {
  for (Attempt& one : under_way_) one.place = awaited.add(one.socket.get(), POLLOUT);
  // All have failed at once, or one has not.
  if (under_way_.empty()) awaited.add(Clock::time_point{});
  awaited.add(until_);
  if (!left_.empty()) awaited.add(next_at_);
}

bool Attempts::turn(const Awaited& awaited, Clock::time_point now) {
  bool has_failed = false;
  for (Attempt& one : under_way_) {
    if (awaited.happened(one.place) == 0) continue;
    const int err = error_of(one.socket.get(), one.address);
    if (err == 0) {
      connected(std::move(one.socket), Address(one.address));
      return true;
    }
    failed(err);
    reset_connection(one.socket);
    has_failed = true;
  }
  std::erase_if(under_way_, [](const Attempt& one) { return !one.socket; });
  if (now >= until_) {
    if (!under_way_.empty()) failure_ = outcome::kTimeout;
    under_way_.clear();
    left_.clear();
    return true;
  }
  if (has_failed || now >= next_at_) start_next(now);
  return connected_ || (under_way_.empty() && left_.empty());
}

Connection::Connection(UniqueFd inside, std::string name, std::uint16_t port, bool checks_tls, Clock::time_point now)
    : state_(checks_tls ? State::kHello : State::kWantsAddresses),
      inside_(std::move(inside)),
      name_(std::move(name)),
      port_(port),
      began_(now) {
  pass_on_as_they_come(inside_.get());
  ask_whether_there(inside_.get());
}

bool Connection::wants_addresses() {
  if (state_ != State::kWantsAddresses) return false;
  state_ = State::kLookingUp;
  return true;
}

void Connection::connect(std::vector<Address> addresses, std::string_view failure, Clock::time_point now) {
  if (state_ != State::kLookingUp) return;
  if (addresses.empty()) return end(failure);
  state_ = State::kConnecting;
  attempts_.begin(std::move(addresses), now);
}

void Connection::end(std::string_view how) {
  if (is_over()) return;
  state_ = State::kOver;
  outcome_ = how;
  if (how == outcome::kClosed) {
    if (outside_) reset_at_close(outside_.get(), false);
    inside_.reset();
    outside_.reset();
  } else {
    reset_connection(inside_);
    reset_connection(outside_);
  }
  attempts_ = {};
  sent_.drop();
  received_.drop();
}

void Connection::end_at(const Address& address, std::string_view how) {
  if (is_over()) return;
  address_ = address.text();
  end(how);
}

void Connection::finish() {
  is_finishing_ = true;
  received_.drop();
}

bool Connection::may_have_more() const {
  if (!sent_.is_empty()) return true;
  std::uint8_t byte = 0;
  return ::recv(inside_.get(), &byte, sizeof(byte), MSG_DONTWAIT | MSG_PEEK) != 0;
}

void Connection::cut() {
  if (is_over()) return;
  const bool is_part = sent_.is_shut() ? untold_ > 0 : may_have_more();
  // defence: no-part-for-whole
  end(is_part ? outcome::kReset : outcome::kClosed);
}

Awaited::Place Connection::await_moving(Awaited& awaited, int socket, const Direction& in, const Direction& out) {
  const int reads = !in.is_ended() && in.is_empty() ? POLLIN : 0;
  const int events = reads | (out.is_empty() ? 0 : POLLOUT);
  // A socket with both directions over always reports an event (poll(2), POLLHUP), even before all was read.
  return events == 0 && out.is_shut() ? Awaited::kNowhere : awaited.add(socket, events);
}

void Connection::await_last(Awaited& awaited, Clock::time_point now) {
  // A broken socket always reports an error.
  if (sent_.is_empty() && !sent_.is_ended()) at_inside_ = awaited.add(inside_.get(), POLLIN);
  // Bytes that still come from there are dropped now and then.
  at_outside_ = awaited.add(outside_.get(), sent_.is_empty() ? 0 : POLLOUT);
  awaited.add(now + kLook);
}

void Connection::await(Awaited& awaited, Clock::time_point now) {
  at_inside_ = at_outside_ = Awaited::kNowhere;
  switch (state_) {
    case State::kHello:
      at_inside_ = awaited.add(inside_.get(), POLLIN);
      awaited.add(began_ + kHelloBound);
      break;
    case State::kConnecting:
      attempts_.await(awaited);
      awaited.add(now + kLook);
      at_inside_ = awaited.add(inside_.get(), 0);
      break;
    case State::kLookingUp:
      awaited.add(std::min(now + kLook, began_ + kLookUpBound));
      // Errors only, because the bytes of the build wait in its socket.
      at_inside_ = awaited.add(inside_.get(), 0);
      break;
    case State::kMoving:
      if (is_finishing_) {
        await_last(awaited, now);
      } else {
        at_inside_ = await_moving(awaited, inside_.get(), sent_, received_);
        at_outside_ = await_moving(awaited, outside_.get(), received_, sent_);
      }
      break;
    case State::kOver:
      // Its session reports it in the next turn.
      awaited.add(Clock::time_point{});
      break;
    case State::kWantsAddresses:
      break;
  }
}

std::size_t Connection::turn(const Awaited& awaited, Clock::time_point now, MovingRoom& room) {
  const int inside = awaited.happened(at_inside_);
  const int outside = awaited.happened(at_outside_);
  const std::uint64_t before = sent_.moved() + received_.moved();
  const std::size_t untold_before = untold_;
  switch (state_) {
    case State::kHello:
      if (inside != 0)
        read_hello(room);
      else if (now >= began_ + kHelloBound)
        end(outcome::kTlsName);
      break;
    case State::kLookingUp:
    case State::kConnecting:
      if ((inside & (POLLERR | POLLHUP)) != 0) {
        end(outcome::kReset);
      } else if (is_finishing_ && !may_have_more()) {
        end(outcome::kClosed);
      } else if (state_ == State::kLookingUp && now >= began_ + kLookUpBound) {
        end(outcome::kUnresolved);
      } else if (state_ == State::kConnecting && attempts_.turn(awaited, now)) {
        connected();
      }
      break;
    case State::kMoving:
      if (is_finishing_)
        move_last(inside, outside, room);
      else
        move(inside, outside, room);
      break;
    case State::kWantsAddresses:
    case State::kOver:
      break;
  }
  const std::size_t moved = static_cast<std::size_t>(sent_.moved() + received_.moved() - before) +
                            (untold_before > untold_ ? untold_before - untold_ : 0);
  if (is_finishing_ && state_ == State::kMoving) {
    if (moved > 0 || stalls_at_ == Clock::time_point::max()) stalls_at_ = now + kStallBound;
    if (now >= stalls_at_) end(outcome::kReset);
  }
  return moved;
}

void Connection::move(int inside, int outside, MovingRoom& room) {
  // The program has reset it, or has closed it and was forgotten by its kernel. The bytes that it sent are still here,
  // and a read after them shows whether they are all.
  const bool is_left = (inside & POLLERR) != 0 || (!received_.is_shut() && (inside & POLLHUP) != 0);
  if (is_left && !sent_.is_shut()) {
    finish();
    return move_last(inside, outside, room);
  }
  // It is closed, although the direction to it is not over.
  const bool is_gone = is_left || (!sent_.is_shut() && (outside & (POLLHUP | POLLIN)) == POLLHUP);
  const bool is_well = !is_gone && sent_.move(inside_.get(), inside, outside_.get(), outside, room) &&
                       received_.move(outside_.get(), outside, inside_.get(), inside, room);
  if (!is_well) {
    // A server may have answered before it broke the connection off, and the program may have sent.
    received_.move_rest(outside_.get(), inside_.get(), room);
    sent_.move_rest(inside_.get(), outside_.get(), room);
    end(outcome::kReset);
  } else if (sent_.is_shut() && received_.is_shut()) {
    end(outcome::kClosed);
  }
}

void Connection::move_last(int inside, int outside, MovingRoom& room) {
  if (!sent_.move(inside_.get(), inside, outside_.get(), outside, room)) return end(outcome::kReset);
  // With unread bytes, closing sends a reset, which drops bytes that are under way (RFC 1122, 4.2.2.13).
  const ssize_t got = ::recv(outside_.get(), room.bytes.data(), room.bytes.size(), MSG_DONTWAIT);
  if (got < 0 && !is_later(errno)) return end(outcome::kReset);
  if (!sent_.is_shut()) return;
  untold_ = unacknowledged(outside_.get());
  if (untold_ == 0 || got == 0) end(outcome::kClosed);
}

void Connection::read_hello(MovingRoom& room) {
  // Never more than the size of a ClientHello: the bytes behind it stay in the socket.
  const std::size_t most = std::min(room.bytes.size(), ClientHelloReader::kMost);
  const ssize_t got = ::recv(inside_.get(), room.bytes.data(), most, MSG_DONTWAIT);
  if (got < 0) {
    if (!is_later(errno)) end(outcome::kReset);
    return;
  }
  if (got == 0) return end(sent_.is_empty() ? outcome::kClosed : outcome::kTlsName);
  const auto bytes = std::span<const std::uint8_t>(room.bytes).first(static_cast<std::size_t>(got));
  sent_.add(bytes);
  const auto verdict = hello_.add(bytes, name_);
  if (verdict == ClientHelloReader::Verdict::kRefused) return end(outcome::kTlsName);
  if (verdict == ClientHelloReader::Verdict::kAllowed) state_ = State::kWantsAddresses;
}

void Connection::connected() {
  outside_ = attempts_.take_socket();
  if (!outside_) return end(std::string_view(attempts_.failure()));
  address_ = attempts_.address();
  pass_on_as_they_come(outside_.get());
  ask_whether_there(outside_.get());
  // If the host program is killed, the bytes that are still here are lost. The server would take the rest for the
  // whole.
  // defence: no-part-of-killed
  reset_at_close(outside_.get(), true);
  state_ = State::kMoving;
}

NetworkEvent Connection::event(Clock::time_point now) const {
  return {.kind = NetworkEvent::Kind::kConnection,
          .name = name_,
          .port = port_,
          .address = address_,
          .sent = sent_.moved(),
          .received = received_.moved(),
          .duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_).count(),
          .outcome = outcome_};
}

}  // namespace buildjail
