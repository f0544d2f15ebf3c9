#pragma once

#include <sys/ioctl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/flow_thread.h"
#include "launch/host_terminal.h"

namespace buildjail {

/** Passes on what is typed into a command's terminal and what is written to it. */
class TerminalFlow final : public Flow {
 public:
  struct Ends {
    /** Our side of the command's terminal; does not wait. */
    UniqueFd master;
    /** The source of typed bytes; empty if no person types. */
    UniqueFd input;
    /** The same, where it is a terminal. */
    std::shared_ptr<HostTerminal> keyboard;
    /** The place for written bytes. */
    UniqueFd output;
    /** `output` is a terminal. */
    bool is_screen = false;
    SharedStdioBudget budget{};
  };

  static Result<std::unique_ptr<TerminalFlow>> make(Ends ends);

  /**
   * Nothing is typed before this. FreeBSD has no room for it until the command has opened its terminal, and loses it
   * (tty_watermarks in sys/kern/tty.c).
   */
  void opened() { is_open_ = true; }
  /** The command's terminal has another size, and the kernel tells the command (SIGWINCH). */
  void resize(const winsize& size);
  /** Our terminal may have another size, or this process may have been stopped and go on. */
  void look_again();

  [[nodiscard]] int await(std::vector<pollfd>& awaited) const override;
  void move(std::span<const pollfd> happened) override;
  void nothing_follows() override;
  /** Everything was passed on; or a pipe is full, whose reader may want to hear of the command's end first. */
  [[nodiscard]] bool is_settled() const override { return is_over_ || is_reader_slow_; }
  void end() override;
  [[nodiscard]] bool is_over() const override { return is_over_; }
  /** A person may hold up a terminal for as long as the person likes. */
  [[nodiscard]] bool holds_up_closing() const override { return false; }

 private:
  struct Buffer {
    std::array<std::byte, 4096> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): what is used was read
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] bool is_empty() const noexcept { return begin == end; }
    void clear() noexcept { begin = end = 0; }
  };
  /** The descriptors that `await` adds, in this order. */
  enum Polled : std::size_t { kInput, kMaster, kOutput, kPolled };

  explicit TerminalFlow(Ends ends) : ends_(std::move(ends)) {}
  [[nodiscard]] int milliseconds_to_wait() const;
  void copy_size();
  void read_input();
  void end_input(bool is_last);
  void read_master();
  void write_master();
  void write_output();

  Ends ends_;
  Buffer typed_;
  Buffer shown_;
  /** The kernel keeps typed bytes for the command's terminal. */
  bool is_open_ = false;
  /** The last line that was typed is complete. */
  bool is_line_over_ = true;
  /** Typed bytes are for another program now. */
  bool is_typing_elsewhere_ = false;
  /** No process has the command's terminal open. It may be opened again by its name. */
  bool is_silent_ = false;
  bool is_finishing_ = false;
  /** Nothing that the command wrote is left in its terminal. */
  bool is_drained_ = false;
  std::size_t left_to_drain_ = 0;
  bool is_reader_slow_ = false;
  bool is_over_ = false;
};

}  // namespace buildjail
