#pragma once

#include <sys/types.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/flow_thread.h"
#include "launch/launch_request.h"

namespace buildjail {

/** The command's end of a stdin, stdout or stderr that is a file of the host, or is inherited. */
enum class CommandEnd : std::uint8_t {
  /** The very descriptor, which the command inherits: a stdin that is a pipe or a socket, which cannot be read ahead.
   */
  kItself,
  /** The session's own /dev/null, because the file is that of the host. */
  kOwnNull,
  /** A pipe. Only this process has the file: through a descriptor of it the command could keep and change it. */
  kPipe,
};

/** A file that a command's stdin comes from, or its output goes to. */
struct HostFile {
  UniqueFd fd;
  CommandEnd command_end = CommandEnd::kPipe;
  /** Other programs have the same open file, with its position and its flags. */
  bool is_shared = false;
  struct stat status{};
  /** For errors. */
  std::string path;

  [[nodiscard]] bool is_regular() const noexcept { return S_ISREG(status.st_mode); }
  /** A pipe or socket that others read: it takes as much as they leave room for, and ends when they go. */
  [[nodiscard]] bool is_stream() const noexcept { return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode); }
};

/** Opens the file that `request` names, which is kFile or kInherit, for the standard descriptor of that number. */
Result<HostFile> open_host_file(const StdioRequest& request, int number);

/**
 * Between a command's pipe and a file of the host. The command has the pipe only: through a descriptor of the file it
 * could read, rewrite, truncate and keep it, change its mode, and learn where it is.
 *
 * Bytes that were read are written before more is read, so no more is on its way than a pipe and one buffer hold.
 * Reading and writing a regular file may wait. Everything else is waited for by poll(2).
 */
class FileFlow final : public Flow {
 public:
  /**
   * From the file to stdin. What the command leaves unread is taken out of the pipe when the flow is ended, and given
   * back to the programs that share the file. Both need `command_end`, another descriptor of the command's end of the
   * pipe.
   */
  FileFlow(HostFile file, UniqueFd pipe, UniqueFd command_end)
      : file_(std::move(file)), pipe_(std::move(pipe)), is_input_(true), command_end_(std::move(command_end)) {}
  /** From stdout or stderr to the file. Nothing beyond the budget comes to the file. */
  FileFlow(HostFile file, UniqueFd pipe, SharedStdioBudget budget)
      : file_(std::move(file)), pipe_(std::move(pipe)), is_input_(false), budget_(std::move(budget)) {}

  [[nodiscard]] const HostFile& file() const noexcept { return file_; }
  /** The flow is stderr's, so its end is kept. */
  void keep_last() { last_.emplace(); }

  [[nodiscard]] int await(std::vector<pollfd>& awaited) const override;
  void move(std::span<const pollfd> happened) override;
  void nothing_follows() override;
  [[nodiscard]] bool is_settled() const override;
  void give_up() override;
  void end() override;
  /** Until it is over, the output of daemons of the command goes to the file. */
  [[nodiscard]] bool holds_up_closing() const override { return true; }
  [[nodiscard]] bool is_input() const override { return is_input_; }
  [[nodiscard]] std::optional<SysError> failure() const override { return failure_; }
  [[nodiscard]] const LastBytes* last_of_stderr() const override { return last_ ? &*last_ : nullptr; }

 private:
  void fill();
  void flush();
  void fail(const char* syscall, int err);
  /** False if the system, or the file, cannot be spliced. */
  bool splice_some();
  /** The file, or the writer of the pipe, has come to its end. A command sees the end of its stdin at once. */
  void reach_end();
  /** Gives back the part of a shared file that the command has not read. */
  void put_back(std::size_t unread);
  /** Whether the stream is over once its reader has gone. A fifo that was opened by its name gets another reader. */
  [[nodiscard]] bool ends_with_its_reader() const noexcept {
    return !is_input_ && file_.is_shared && file_.is_stream();
  }
  [[nodiscard]] std::size_t pending() const noexcept { return end_ - begin_; }

  HostFile file_;
  UniqueFd pipe_;
  bool is_input_;
  /** The command's end of its stdin. Only through this can the rest in the pipe be seen and taken. */
  UniqueFd command_end_;
  /** All that was read. */
  std::uint64_t moved_ = 0;
  /** The bytes between these were read and not yet written. */
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  /** Of an output, once its writer has ended: how much that it wrote is not in the file yet. */
  std::optional<std::size_t> left_;
  std::optional<SysError> failure_;
  std::optional<LastBytes> last_;
  SharedStdioBudget budget_;
  bool can_splice_ = true;
};

}  // namespace buildjail
