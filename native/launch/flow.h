#pragma once

#include <sys/types.h>
#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/host_file.h"
#include "launch/output_budget.h"

namespace buildjail {

/**
 * One way of bytes between a command's pipe and a file of the host. The command has the pipe only: through a descriptor
 * of the file it could read, rewrite, truncate and keep it, change its mode, and learn where it is.
 *
 * What was read is written before more is read, so no more is on its way than a pipe and one buffer hold. Regular files
 * are written and read as a thread does it that may wait. All else is waited for by poll(2).
 */
class Flow {
 public:
  /**
   * From the file to stdin. What the command leaves unread is taken out of the pipe when the flow is ended, and is left
   * to those whom the file is shared with. Both take `command_end`, another descriptor of what the command reads from.
   */
  static Flow into_command(HostFile file, UniqueFd pipe, UniqueFd command_end);
  /** From stdout or stderr to the file. */
  static Flow from_command(HostFile file, UniqueFd pipe);

  [[nodiscard]] const HostFile& file() const noexcept { return file_; }
  [[nodiscard]] bool is_input() const noexcept { return is_input_; }
  /** Of an output, before it begins to move. Nothing beyond the budget comes to the file. */
  void count(SharedOutputBudget budget) { budget_ = std::move(budget); }
  /** What to wait for; its descriptor is -1 when nothing moves any more. */
  [[nodiscard]] pollfd awaited() const noexcept;
  /** Moves what one read(2) gives. */
  void move();
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }
  [[nodiscard]] const std::optional<SysError>& failure() const noexcept { return failure_; }

  /**
   * Who wrote to an output has ended: what is in the pipe now is the rest of it, though others may write more. An input
   * is over.
   */
  void nothing_follows();
  /** Of an output, after that: that rest is in the file, or has failed. */
  [[nodiscard]] bool is_settled() const;
  /** The file has taken nothing for too long. */
  void give_up();
  /** Closes both ends. */
  void end();

 private:
  Flow(HostFile file, UniqueFd pipe, bool is_input)
      : file_(std::move(file)), pipe_(std::move(pipe)), is_input_(is_input) {}

  void fill();
  void flush();
  void fail(const char* syscall, int err);
  /** False where the system, or the file, has no such way. */
  bool splice_some();
  /** The file, or who writes to the pipe, has come to its end. A command sees that of its stdin at once. */
  void reach_end();
  /** What of the file has not been read is left to whom the file is shared with. */
  void put_back(std::size_t unread);
  [[nodiscard]] std::size_t pending() const noexcept { return end_ - begin_; }

  HostFile file_;
  UniqueFd pipe_;
  bool is_input_;
  /** As the command's own end of its stdin: what is left in that is known, and taken, by this alone. */
  UniqueFd command_end_;
  /** All that was read. */
  std::uint64_t moved_ = 0;
  /** What was read and not yet written is between these. */
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  /** Of an output, once its writer has ended: what of the writer's is not in the file yet. */
  std::optional<std::size_t> left_;
  std::optional<SysError> failure_;
  SharedOutputBudget budget_;
  bool is_over_ = false;
  bool can_splice_ = true;
};

}  // namespace buildjail
