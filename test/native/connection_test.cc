// A connection of a build, between a program and a server of this test, by TCP on the loopback.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/address.h"
#include "base/unique_fd.h"
#include "network/awaited.h"
#include "network/connection.h"
#include "network/direction.h"
#include "network/dns_message.h"
#include "network/resolver.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

struct Listening {
  UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at{};

  explicit Listening(std::optional<int> room = {}) {
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    if (room) REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &*room, sizeof(*room)) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
  }
  [[nodiscard]] UniqueFd accept() const {
    UniqueFd accepted(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(accepted);
    return accepted;
  }
  [[nodiscard]] UniqueFd connect() const {
    UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0);
    return client;
  }
};

struct Joined {
  using Clock = Awaited::Clock;

  Listening name;
  /** Few bytes fit, so that a server that does not read is full soon. */
  Listening outside{4096};
  UniqueFd program = name.connect();
  /** Of the connection, and not of the machine. */
  Clock::time_point now = Clock::now();
  Connection connection{inside(), "a.example", 80, false, now};
  UniqueFd server;
  MovingRoom room;
  Awaited awaited;

  Joined() {
    REQUIRE(connection.wants_addresses());
    connection.connect({*Address::read("127.0.0.1", ntohs(outside.at.sin_port))}, outcome::kUnreachable, now);
    turn();
    server = outside.accept();
  }
  UniqueFd inside() const {
    UniqueFd accepted(::accept4(name.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    REQUIRE(accepted);
    return accepted;
  }
  /** Returns the bytes moved. */
  std::size_t turn() {
    awaited.clear();
    connection.await(awaited, now);
    awaited.add(now + std::chrono::milliseconds(20));
    REQUIRE(awaited.wait(now));
    return connection.turn(awaited, now, room);
  }
  /** Until nothing moves. */
  void turns() {
    for (int idle = 0; idle < 3 && !connection.is_over();) idle = turn() > 0 ? 0 : idle + 1;
  }
  [[nodiscard]] std::string_view outcome() const { return connection.event(now).outcome; }
};

/** What it still gets, and the error behind that: 0 at the end. */
std::pair<std::size_t, int> rest_of(const UniqueFd& socket) {
  std::string room(65536, 0);
  std::size_t count = 0;
  for (;;) {
    const ssize_t got = ::recv(socket.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (got <= 0) return {count, got == 0 ? 0 : errno};
    count += static_cast<std::size_t>(got);
  }
}

void send_all(const UniqueFd& socket, std::size_t count) {
  const std::string bytes(count, 'x');
  REQUIRE(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(count));
}

/** A program that sends more than the connection holds for a server that does not read. Returns how much. */
std::size_t send_much(Joined& joined) {
  constexpr std::size_t kPiece = 20'000;
  std::size_t count = 0;
  for (bool is_full = false; !is_full; count += kPiece) {
    send_all(joined.program, kPiece);
    is_full = joined.turn() == 0 && joined.turn() == 0;
  }
  return count;
}

/** What a server that reads gets of it, until the connection is over; without a value if that ends in an error. */
std::optional<std::size_t> read_slowly(Joined& joined) {
  std::size_t count = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto [more, err] = rest_of(joined.server);
    count += more;
    if (err == 0) {
      joined.turns();
      return count;
    }
    if (!is_later(err)) return std::nullopt;
    joined.turn();
  }
  return std::nullopt;
}

TEST_CASE("a program that sends nothing where TLS is expected is told of as one that is no TLS") {
  const Listening name;
  const UniqueFd program = name.connect();
  const auto now = Awaited::Clock::now();
  Connection connection(name.accept(), "a.example", 443, true, now);
  MovingRoom room;
  Awaited awaited;
  connection.await(awaited, now);
  connection.turn(awaited, now + Connection::kHelloBound, room);
  CHECK(connection.event(now).outcome == outcome::kTlsName);
}

TEST_CASE("a stream of questions is answered one in a turn, and all in the end") {
  constexpr std::size_t kMany = 300;
  const Listening name;
  const UniqueFd program = name.connect();
  Resolver resolver(UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), UniqueFd(::dup(name.socket.get())));
  REQUIRE(::fcntl(name.socket.get(), F_SETFL, O_NONBLOCK) == 0);
  std::string questions;
  // Of the root, each with its size before it.
  for (std::size_t i = 0; i < kMany; ++i) questions += std::string("\0\x11\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 19);
  REQUIRE(::send(program.get(), questions.data(), questions.size(), 0) == static_cast<ssize_t>(questions.size()));
  std::size_t answered = 0;
  Awaited awaited;
  for (std::size_t turns = 0; turns < 3 * kMany && answered < kMany; ++turns) {
    const std::size_t before = answered;
    const auto now = Awaited::Clock::now();
    awaited.clear();
    resolver.await(awaited, now);
    REQUIRE(awaited.wait(now));
    resolver.turn(awaited, now, [&](const DnsQuery&) -> std::optional<Resolver::Found> {
      ++answered;
      return std::nullopt;
    });
    CHECK(answered <= before + 1);
  }
  CHECK(answered == kMany);
}

TEST_CASE("an answer that a server gives before it breaks off arrives, and then the end of the connection") {
  for (const bool is_writing : {false, true}) {
    CAPTURE(is_writing);
    Joined joined;
    send_all(joined.program, 3000);
    joined.turns();
    send_all(joined.server, 20'000);
    // On FreeBSD bytes go through a queue of the loopback, and a reset drops those that have not arrived.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    reset_connection(joined.server);
    if (is_writing) send_all(joined.program, 3000);
    joined.turns();
    CHECK(joined.outcome() == outcome::kReset);
    const auto [count, err] = rest_of(joined.program);
    CHECK(count == 20'000);
    CHECK(err == ECONNRESET);
  }
}

TEST_CASE("a part of an answer is not taken for the whole where its server resets the connection") {
  Joined joined;
  REQUIRE(::shutdown(joined.program.get(), SHUT_WR) == 0);
  joined.turns();
  send_all(joined.server, 20'000);
  reset_connection(joined.server);
  joined.turns();
  CHECK(joined.outcome() == outcome::kReset);
  CHECK(rest_of(joined.program).second == ECONNRESET);
}

TEST_CASE("all that a program has sent arrives at a slow server, also when its kernel has forgotten the program") {
  Joined joined;
  [[maybe_unused]] const std::size_t sent = send_much(joined);
  REQUIRE(::shutdown(joined.program.get(), SHUT_WR) == 0);
  joined.turns();
  // As a kernel answers for a socket that it knows no more (tcp(7), tcp_fin_timeout).
  reset_connection(joined.program);
  joined.turns();
  const auto arrived = read_slowly(joined);
#ifdef __FreeBSD__
  // A read tells the reset there, and not the end before it (socket(9), soreceive).
  CHECK_FALSE(arrived);
#else
  CHECK(arrived == sent);
  CHECK(joined.outcome() == outcome::kClosed);
#endif
}

TEST_CASE("a part is not taken for the whole where a program resets its connection to a slow server") {
  Joined joined;
  send_much(joined);
  reset_connection(joined.program);
  joined.turns();
  CHECK_FALSE(read_slowly(joined));
  CHECK(joined.outcome() == outcome::kReset);
}

TEST_CASE("a server that reads nothing holds no connection whose program is gone") {
  Joined joined;
  send_much(joined);
  REQUIRE(::shutdown(joined.program.get(), SHUT_WR) == 0);
  reset_connection(joined.program);
  joined.turns();
  CHECK_FALSE(joined.connection.is_over());
  joined.now += std::chrono::seconds(61);
  joined.turns();
  CHECK(joined.outcome() == outcome::kReset);
}

}  // namespace
