// The bytes of one direction of a connection, between pairs of sockets that stand for those of a build and of a server.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "base/signals.h"
#include "base/unique_fd.h"
#include "network/direction.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

using Bytes = std::vector<std::uint8_t>;

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;

  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
  [[nodiscard]] int happened(int events) const {
    pollfd asked{.fd = ours.get(), .events = static_cast<short>(events), .revents = 0};
    REQUIRE(::poll(&asked, 1, 0) >= 0);
    return asked.revents;
  }
};

/** A build that sends, a server that reads, and what is between them. */
struct Moving {
  Pair build;
  Pair server;
  Direction direction;
  MovingRoom room;
  Bytes sent;
  Bytes read;

  bool turn() {
    return direction.move(build.ours.get(), build.happened(direction.is_empty() ? POLLIN : 0), server.ours.get(),
                          server.happened(direction.is_empty() ? 0 : POLLOUT), room);
  }
  /** As many as the socket has room for. */
  void send(std::size_t count, std::mt19937& random) {
    // A part of some that are made once: an emulated processor takes minutes to make as many anew.
    constexpr std::size_t kMost = 1'000'000;
    static const Bytes kSome = [] {
      std::mt19937 of_some(0);
      Bytes some(2 * kMost);
      std::ranges::generate(some, [&] { return static_cast<std::uint8_t>(of_some()); });
      return some;
    }();
    const auto from = kSome.begin() + static_cast<std::ptrdiff_t>(random() % kMost);
    const Bytes bytes(from, from + static_cast<std::ptrdiff_t>(count));
    const ssize_t taken = ::send(build.theirs.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken > 0) sent.insert(sent.end(), bytes.begin(), bytes.begin() + taken);
  }
  /** False at the end. */
  bool receive(std::size_t most) {
    Bytes bytes(most);
    const ssize_t got = ::recv(server.theirs.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) read.insert(read.end(), bytes.begin(), bytes.begin() + got);
    return got != 0;
  }
};

TEST_CASE("bytes arrive whole and in their order, however they come and are read, and their end after them") {
  std::mt19937 random(1);
  for (const std::size_t most : {std::size_t{100}, std::size_t{70'000}, std::size_t{1'000'000}}) {
    CAPTURE(most);
    Moving moving;
    for (int i = 0; i < 300; ++i) {
      moving.send(1 + random() % most, random);
      for (unsigned turns = random() % 4; turns > 0; --turns) REQUIRE(moving.turn());
      // A reader that is slow at times, so that bytes are held.
      if (i % 50 < 25) REQUIRE(moving.receive(1 + random() % most));
    }
    moving.build.theirs.reset();
    bool is_more = true;
    for (int i = 0; is_more && i < 10'000; ++i) {
      REQUIRE(moving.turn());
      is_more = moving.receive(100'000);
    }
    CHECK_FALSE(is_more);
    CHECK(moving.direction.is_shut());
    CHECK(moving.direction.moved() == moving.sent.size());
    CHECK(moving.read == moving.sent);
  }
}

TEST_CASE("a direction holds no more than it may, and leaves the room for the next one empty") {
  std::mt19937 random(2);
  Moving moving;
  for (int i = 0; i < 200; ++i) {
    moving.send(1'000'000, random);
    REQUIRE(moving.turn());
  }
  CHECK_FALSE(moving.direction.is_empty());
  std::size_t unread = 0;
  for (ssize_t got = 1; got > 0; unread += static_cast<std::size_t>(std::max(got, ssize_t{0})))
    got = ::recv(moving.build.ours.get(), moving.room.bytes.data(), moving.room.bytes.size(), MSG_DONTWAIT);
  CHECK(moving.sent.size() - moving.direction.moved() - unread <= Direction::kMostHeld);
  Pair next_build;
  Pair next_server;
  Direction next;
  const std::array<std::uint8_t, 3> few{7, 8, 9};
  REQUIRE(::send(next_build.theirs.get(), few.data(), few.size(), 0) == 3);
  REQUIRE(next.move(next_build.ours.get(), POLLIN, next_server.ours.get(), 0, moving.room));
  std::array<std::uint8_t, 8> got{};
  CHECK(::recv(next_server.theirs.get(), got.data(), got.size(), MSG_DONTWAIT) == 3);
  CHECK(std::ranges::equal(few, std::span(got).first(3)));
}

TEST_CASE("bytes are copied where no descriptor is left for a pipe") {
  std::mt19937 random(3);
  Moving moving;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (int i = 0; i < 50; ++i) {
    moving.send(200'000, random);
    CHECK(moving.turn());
    CHECK(moving.receive(1'000'000));
  }
  CHECK_FALSE(moving.room.pipe.open());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(moving.direction.moved() > 1'000'000);
  CHECK(std::ranges::equal(moving.read, std::span(moving.sent).first(moving.read.size())));
}

/** Whether that is an error in the end; on a thread like the one that moves them, with all signals blocked to its end.
 */
bool fails_without_reader(std::size_t count) {
  bool is_well = true;
  std::thread thread;
  {
    const BlockedSignals blocked;
    thread = std::thread([&] {
      std::mt19937 random(4);
      Moving moving;
      for (int i = 0; is_well && i < 14; ++i) {
        moving.send(count, random);
        is_well = moving.turn();
        if (i < 4) moving.receive(1'000'000);
        if (i == 4) moving.server.theirs.reset();
      }
    });
  }
  thread.join();
  return !is_well;
}

TEST_CASE("a reader that is gone is an error at once, also in the midst of many bytes") {
  bool is_flowing = false;
  bool is_well = true;
  std::thread thread;
  {
    const BlockedSignals blocked;
    thread = std::thread([&] {
      std::mt19937 random(5);
      Moving moving;
      for (int i = 0; i < 10; ++i) {
        moving.send(100'000, random);
        moving.turn();
        moving.receive(1'000'000);
      }
      is_flowing = moving.direction.is_empty() && moving.direction.moved() > 500'000;
      moving.server.theirs.reset();
      moving.send(100'000, random);
      // Without the error that poll(2) would tell.
      is_well = moving.direction.move(moving.build.ours.get(), POLLIN, moving.server.ours.get(), 0, moving.room);
    });
  }
  thread.join();
  CHECK(is_flowing);
  CHECK_FALSE(is_well);
}

TEST_CASE("a reader that is gone is an error, also of many bytes at once") {
  CHECK(fails_without_reader(10));
  CHECK(fails_without_reader(200'000));
}

}  // namespace
