#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace buildjail {

/** A value from one thread to another that was woken up for it before it was there: to wake up takes as long as to make
 * it. */
template <class T>
class Handover {
 public:
  /** Once, whatever happens: who takes waits for it. */
  void give(T value) {
    {
      const std::lock_guard lock(mutex_);
      value_.emplace(std::move(value));
    }
    given_.notify_one();
  }

  T take() {
    std::unique_lock lock(mutex_);
    given_.wait(lock, [this] { return value_.has_value(); });
    return std::move(*value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<T> value_;
};

}  // namespace buildjail
