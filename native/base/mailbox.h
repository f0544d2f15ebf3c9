#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * Work for a thread that waits for descriptors. Any thread may post. Work posted after the end of that thread is
 * dropped.
 */
class Mailbox {
 public:
  static Result<std::shared_ptr<Mailbox>> create(const char* step);
  explicit Mailbox(UniqueFd wake) : wake_(std::move(wake)) {}

  /** Can be read when there is work. */
  [[nodiscard]] int fd() const noexcept { return wake_.get(); }
  void post(std::function<void()> work);
  /** Does all the work that was posted. */
  void empty();

 private:
  UniqueFd wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace buildjail
