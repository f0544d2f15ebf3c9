#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"

namespace buildjail {

/**
 * The threads on which sessions are opened, launched in and closed. Of our own: those that a runtime has for such are
 * few and serve its files and name look-ups too, behind which a build would wait, and each of their results wakes the
 * event loop, whether there is anything to be told or not. The first is made at the start, the others as they are
 * wanted, and they stay.
 */
class WorkerThreads {
 public:
  /**
   * `at_once` is how much is done at a time, `most` how many threads there may be: what has not ended in a while waits
   * for something that is no processor, such as a file server, and the next begins beside it.
   */
  WorkerThreads(std::size_t at_once, std::size_t most) : at_once_(at_once), most_(most) {}
  WorkerThreads& operator=(WorkerThreads&&) = delete;
  ~WorkerThreads() { stop(); }

  /** Comes before all work. With one thread there, work is never refused for want of another. */
  Status start();
  /** `work` must not throw. Nothing is done any more once they were stopped. */
  void run(std::function<void()> work);
  /** Waits for what has begun; what has not is dropped. Again: nothing to do. */
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void loop();
  /** True when there is something to begin, false when they are stopped. */
  bool wait_for_turn(std::unique_lock<std::mutex>& lock);
  /** One more than have something to do, who sees to it when that takes long. */
  void add_thread_if_wanted();

  std::size_t at_once_;
  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::size_t idle_ = 0;
  std::size_t under_way_ = 0;
  Clock::time_point last_begun_;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace buildjail
