#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "network/awaited.h"
#include "network/client_hello.h"
#include "network/direction.h"
#include "network/lookups.h"
#include "network/network_event.h"

namespace buildjail {

/** Closes a socket so that its other end gets a reset (socket(7), SO_LINGER). */
void reset_connection(UniqueFd& socket);

/**
 * Attempts to connect to one of several addresses, in their order: the next one begins when an earlier one has failed,
 * or after a moment, beside it (RFC 8305).
 */
class Attempts {
 public:
  using Clock = Awaited::Clock;

  void begin(std::vector<Address> addresses, Clock::time_point now);
  void await(Awaited& awaited);
  /** True once it has an end: a socket, or an outcome. */
  bool turn(const Awaited& awaited, Clock::time_point now);

  /** Connected; empty if none is. */
  UniqueFd take_socket() { return std::move(connected_); }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] std::string_view failure() const noexcept { return failure_; }

 private:
  struct Attempt {
    UniqueFd socket;
    Address address;
    Awaited::Place place = Awaited::kNowhere;
  };

  void start_next(Clock::time_point now);
  void failed(int err);
  void connected(UniqueFd socket, const Address& address);

  std::vector<Address> left_;
  std::vector<Attempt> under_way_;
  Clock::time_point next_at_{};
  Clock::time_point until_{};
  UniqueFd connected_;
  std::string address_;
  std::string_view failure_ = outcome::kUnreachable;
};

/**
 * One connection of a build, from the listener of a name to the server outside, and its bytes in both directions. All
 * calls come from the network thread, and none waits.
 */
class Connection {
 public:
  using Clock = Awaited::Clock;

  static constexpr std::chrono::seconds kHelloBound{10};
  /** The host's resolver may take longer, and other names may be before this one. */
  static constexpr std::chrono::seconds kLookUpBound{60};

  /** `inside` is what the listener accepted. `checks_tls`: the first bytes must be a ClientHello for that name. */
  Connection(UniqueFd inside, std::string name, std::uint16_t port, bool checks_tls, Clock::time_point now);

  /** True once: the caller gives the addresses of the name now. */
  bool wants_addresses();
  /** To be called after wants_addresses. Without addresses the outcome is `failure`. */
  void connect(std::vector<Address> addresses, std::string_view failure, Clock::time_point now);

  void await(Awaited& awaited, Clock::time_point now);
  /**
   * Moves bytes that can be moved now. Returns the number of bytes that were moved or that the server has acknowledged.
   */
  std::size_t turn(const Awaited& awaited, Clock::time_point now, MovingRoom& room);
  /** Ends it where it is. */
  void end(std::string_view how);
  /** The same, because of the address that its name leads to. */
  void end_at(const Address& address, std::string_view how);
  /**
   * The program has ended, and its end of the connection is closed. The bytes that it has sent still go on, and none
   * come back: the connection is over when the server has them all.
   */
  void finish();
  /**
   * Ends it where it is. If the build has sent more, by a reset, so that the server does not take a part for the whole.
   */
  void cut();

  [[nodiscard]] bool is_over() const noexcept { return state_ == State::kOver; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] NetworkEvent event(Clock::time_point now) const;

 private:
  enum class State : std::uint8_t { kHello, kWantsAddresses, kLookingUp, kConnecting, kMoving, kOver };

  void read_hello(MovingRoom& room);
  void connected();
  /** While it is finished. */
  void await_last(Awaited& awaited, Clock::time_point now);
  void move(int inside, int outside, MovingRoom& room);
  /** The same while it is finished. */
  void move_last(int inside, int outside, MovingRoom& room);
  /**
   * Whether the end of the build's bytes has not come yet. Bytes before that end may still be in the kernel, even when
   * the socket has none to read.
   */
  [[nodiscard]] bool may_have_more() const;
  /** `in` is read from the socket, and `out` is written to it. */
  static Awaited::Place await_moving(Awaited& awaited, int socket, const Direction& in, const Direction& out);

  State state_;
  UniqueFd inside_;
  UniqueFd outside_;
  std::string name_;
  std::uint16_t port_;
  Clock::time_point began_;
  ClientHelloReader hello_;
  Attempts attempts_;
  /** The address outside that it is connected to, or that is refused. */
  std::string address_;
  Direction sent_;
  Direction received_;
  bool is_finishing_ = false;
  /** While it is finished: the time when it ends if the server takes no bytes until then. */
  Clock::time_point stalls_at_ = Clock::time_point::max();
  /** Bytes that were written and that the server has not acknowledged. Only while it is finished. */
  std::size_t untold_ = 0;
  Awaited::Place at_inside_ = Awaited::kNowhere;
  Awaited::Place at_outside_ = Awaited::kNowhere;
  std::string_view outcome_;
};

}  // namespace buildjail
