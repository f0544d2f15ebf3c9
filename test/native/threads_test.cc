// The threads that work for JavaScript.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "base/back_off.h"
#include "base/result.h"
#include "envelope/worker_threads.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

TEST_CASE("threads do what they are given, as many at once as there may be and no more") {
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  std::atomic<int> done = 0;
  WorkerThreads threads(3, 30);
  for (int i = 0; i < 30; ++i) {
    threads.run([&] {
      const int now = ++at_once;
      for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      --at_once;
      ++done;
    });
  }
  BackOff back_off(std::chrono::milliseconds(10000));
  while (done < 30 && back_off.wait()) {
  }
  CHECK(done == 30);
  CHECK(most == 3);
}

TEST_CASE("what takes long on one thread does not keep the next from its turn, up to a bound") {
  std::atomic<bool> is_held_up = true;
  std::atomic<int> begun = 0;
  WorkerThreads threads(1, 3);
  for (int i = 0; i < 4; ++i) {
    threads.run([&] {
      ++begun;
      while (is_held_up) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  }
  BackOff back_off(std::chrono::milliseconds(10000));
  while (begun < 3 && back_off.wait()) {
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  CHECK(begun == 3);
  is_held_up = false;
  BackOff end(std::chrono::milliseconds(10000));
  while (begun < 4 && end.wait()) {
  }
  CHECK(begun == 4);
}

TEST_CASE("one thing whose work takes long, however much of it there is, keeps no other from its turn") {
  constexpr int kMuch = 100;
  std::atomic<bool> is_held_up = true;
  std::atomic<int> others = 0;
  std::vector<int> order;
  WorkerThreads threads(1, 3);
  for (int i = 0; i < kMuch; ++i) {
    threads.run_in_turn(&order, [&, i] {
      while (is_held_up) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      order.push_back(i);
    });
  }
  threads.run_in_turn(&others, [&] { ++others; });
  threads.run([&] { ++others; });
  BackOff back_off(std::chrono::milliseconds(10000));
  while (others < 2 && back_off.wait()) {
  }
  CHECK(others == 2);
  is_held_up = false;
  std::atomic<bool> is_over = false;
  threads.run_in_turn(&order, [&] { is_over = true; });
  BackOff end(std::chrono::milliseconds(10000));
  while (!is_over && end.wait()) {
  }
  threads.stop();
  CHECK(order.size() == kMuch);
  CHECK(std::ranges::is_sorted(order));
}

TEST_CASE("threads that are stopped end what they began, and begin nothing") {
  std::atomic<bool> is_begun = false;
  std::atomic<int> done = 0;
  WorkerThreads threads(1, 1);
  threads.run([&] {
    is_begun = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ++done;
  });
  threads.run([&] { ++done; });
  while (!is_begun) std::this_thread::yield();
  threads.stop();
  threads.run([&] { ++done; });
  threads.stop();
  CHECK(done == 1);
}

TEST_CASE("what work throws for lack of something is an error of it") {
  const auto memory = caught("step", []() -> Status { throw std::bad_alloc(); });
  const auto threads = caught("step", []() -> Status {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  REQUIRE_FALSE(memory);
  CHECK(memory.error().err == ENOMEM);
  REQUIRE_FALSE(threads);
  CHECK(threads.error().err == EAGAIN);
  CHECK(threads.error().syscall == "pthread_create");
}

}  // namespace
