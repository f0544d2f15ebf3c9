#include "envelope/worker_threads.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace buildjail {

namespace {

/** Longer than a processor is needed for to open a session of some hundred inputs. */
constexpr std::chrono::milliseconds kLong{20};

}  // namespace

Status WorkerThreads::start() {
  return caught("open", [this]() -> Status {
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this] { loop(); });
    return {};
  });
}

void WorkerThreads::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return;
    waiting_.push_back(std::move(work));
    add_thread_if_wanted();
  }
  changed_.notify_one();
}

void WorkerThreads::run_in_turn(const void* thing, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return;
    const auto [turn, is_first] = in_turn_.try_emplace(thing);
    turn->second.push_back(std::move(work));
    if (!is_first) return;
  }
  run([this, thing] { run_all_of(thing); });
}

void WorkerThreads::run_all_of(const void* thing) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto turn = in_turn_.find(thing);
    // It is stopped.
    if (turn == in_turn_.end()) return;
    if (turn->second.empty()) {
      in_turn_.erase(turn);
      return;
    }
    {
      const auto work = std::move(turn->second.front());
      turn->second.pop_front();
      lock.unlock();
      work();
    }
    lock.lock();
  }
}

void WorkerThreads::stop() {
  std::vector<std::thread> threads;
  std::deque<std::function<void()>> dropped;
  decltype(in_turn_) turns_dropped;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    threads.swap(threads_);
    dropped.swap(waiting_);
    turns_dropped.swap(in_turn_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void WorkerThreads::loop() {
  std::unique_lock lock(mutex_);
  while (wait_for_turn(lock)) {
    {
      const auto work = std::exchange(waiting_.front(), nullptr);
      waiting_.pop_front();
      under_way_ += 1;
      last_begun_ = Clock::now();
      add_thread_if_wanted();
      lock.unlock();
      work();
    }
    lock.lock();
    under_way_ -= 1;
  }
}

bool WorkerThreads::wait_for_turn(std::unique_lock<std::mutex>& lock) {
  idle_ += 1;
  while (!is_stopping_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
    } else if (under_way_ < at_once_ || Clock::now() >= last_begun_ + kLong) {
      break;
    } else {
      changed_.wait_until(lock, last_begun_ + kLong);
    }
  }
  idle_ -= 1;
  return !is_stopping_;
}

void WorkerThreads::add_thread_if_wanted() {
  if (is_stopping_ || waiting_.size() <= idle_) return;
  if (threads_.size() >= std::min(most_, std::max(at_once_, under_way_) + 1)) return;
  try {
    threads_.emplace_back([this] { loop(); });
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): one that is there comes to it as well
  }
}

}  // namespace buildjail
