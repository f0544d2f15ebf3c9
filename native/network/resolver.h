#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <string>

#include "base/address.h"
#include "base/unique_fd.h"
#include "network/awaited.h"
#include "network/dns_message.h"

namespace buildjail {

/**
 * The resolver of a session, by UDP and by TCP (RFC 7766). It asks no other one. All calls come from the network
 * thread, and none waits.
 */
class Resolver {
 public:
  using Clock = Awaited::Clock;

  /** The answer to a question for a name. No `Found` at all: the name is refused. */
  struct Found {
    /** Empty if the question is for another type than an address. */
    std::optional<Address> address;
  };
  using Find = std::function<std::optional<Found>(const DnsQuery& query)>;

  static constexpr std::size_t kMostStreams = 16;
  /** Of a message; a longer one gets no answer. */
  static constexpr std::size_t kMostMessage = 4096;

  Resolver(UniqueFd datagrams, UniqueFd listener) : datagrams_(std::move(datagrams)), listener_(std::move(listener)) {}

  void await(Awaited& awaited, Clock::time_point now);
  void turn(const Awaited& awaited, Clock::time_point now, const Find& find);

 private:
  /** Bytes before a message, with its size in them. */
  static constexpr std::size_t kLength = 2;
  /** A connection, and what has arrived of its next message. */
  struct Stream {
    UniqueFd socket;
    Clock::time_point last;
    Awaited::Place place = Awaited::kNowhere;
    std::array<std::uint8_t, kLength + kMostMessage> bytes{};
    std::size_t size = 0;
  };

  void answer_datagrams(const Find& find);
  void accept(Clock::time_point now);
  /** False if the connection is over. */
  static bool read(Stream& stream, const Find& find);

  UniqueFd datagrams_;
  UniqueFd listener_;
  std::list<Stream> streams_;
  Awaited::Place at_datagrams_ = Awaited::kNowhere;
  Awaited::Place at_listener_ = Awaited::kNowhere;
  /** The time until which no stream is accepted, because no descriptor was left. */
  Clock::time_point accepts_from_{};
};

/** The answer to a message; empty if it gets none. */
std::optional<DnsAnswer> answer_to(std::span<const std::uint8_t> message, const Resolver::Find& find);

}  // namespace buildjail
