#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"

namespace buildjail {

/**
 * The threads on which sessions are opened, launched in and closed. The runtime's own threads are few and also serve
 * files and name look-ups: a build would wait for those, and each of their results wakes the event loop. The first
 * thread is made at the start, the others when they are needed, and they stay.
 */
class WorkerThreads {
 public:
  /**
   * `at_once` is the number of works at a time, and `most` that of threads. A work that takes long waits for something
   * other than a processor, such as a file server, so the next one begins beside it.
   */
  WorkerThreads(std::size_t at_once, std::size_t most) : at_once_(at_once), most_(most) {}
  WorkerThreads& operator=(WorkerThreads&&) = delete;
  ~WorkerThreads() { stop(); }

  /** Comes before all work. One thread exists from then on, so work needs no new one. */
  Status start();
  /** `work` must not throw. Does nothing after `stop`. */
  void run(std::function<void()> work);
  /**
   * Runs it after all earlier work of the same object, on one thread, so that no object holds up more than one of them.
   */
  void run_in_turn(const void* thing, std::function<void()> work);
  /** Waits for works that have begun, and drops the others. Called again it does nothing. */
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void loop();
  void run_all_of(const void* thing);
  /** True when there is something to begin, false when they are stopped. */
  bool wait_for_turn(std::unique_lock<std::mutex>& lock);
  /** One thread more than have work, which begins the next work when theirs takes long. */
  void add_thread_if_wanted();

  std::size_t at_once_;
  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  /** For each object with work under way, the work that follows. */
  std::map<const void*, std::deque<std::function<void()>>> in_turn_;
  std::size_t idle_ = 0;
  std::size_t under_way_ = 0;
  Clock::time_point last_begun_;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace buildjail
