#include "core/worker_threads.h"

#include <system_error>
#include <utility>

#include "core/caught.h"

namespace buildjail {

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
    if (waiting_.size() > idle_ && threads_.size() < most_) {
      try {
        threads_.emplace_back([this] { loop(); });
      } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): one that is there comes to it as well
      }
    }
  }
  changed_.notify_one();
}

void WorkerThreads::stop() {
  std::vector<std::thread> threads;
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    threads.swap(threads_);
    dropped.swap(waiting_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void WorkerThreads::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    idle_ += 1;
    changed_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
    idle_ -= 1;
    if (is_stopping_) return;
    {
      const auto work = std::exchange(waiting_.front(), nullptr);
      waiting_.pop_front();
      lock.unlock();
      work();
    }
    lock.lock();
  }
}

}  // namespace buildjail
