#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "launch/output_budget.h"

namespace buildjail {

/** Our end of a pipe whose content is kept, up to a bound; what comes beyond it is read and dropped. */
class CapturedStream {
 public:
  CapturedStream() = default;
  /**
   * A read(2) of `fd` must not wait where something was seen to be there. `command_end` is kept open as long: that a
   * command has closed its own, as it does when it ends, is nothing to be woken up for.
   */
  CapturedStream(UniqueFd fd, UniqueFd command_end, std::uint64_t bound, SharedOutputBudget budget)
      : fd_(std::move(fd)),
        command_end_(std::move(command_end)),
        bound_(bound),
        budget_(std::move(budget)),
        is_captured_(true) {}

  /** Comes after an event of it. Reads what one read(2) gives; false at the end of the stream. */
  bool read_some();
  /** Reads what is there now: a process that outlives the command may hold the other end for as long as it likes. */
  void drain();

  /** -1 when it was closed. */
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  void close() {
    fd_.reset();
    command_end_.reset();
  }
  [[nodiscard]] bool is_captured() const noexcept { return is_captured_; }
  [[nodiscard]] bool is_over_bound() const noexcept { return is_over_bound_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  /** How much was read; 0 when there is nothing more. Nothing when there is nothing now. */
  std::optional<std::size_t> read_at_most(std::size_t size);

  UniqueFd fd_;
  UniqueFd command_end_;
  std::vector<std::byte> bytes_;
  std::uint64_t bound_ = 0;
  SharedOutputBudget budget_;
  bool is_captured_ = false;
  bool is_over_bound_ = false;
};

}  // namespace buildjail
