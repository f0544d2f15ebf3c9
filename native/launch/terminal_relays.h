#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/command_terminal.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"
#include "launch/terminal_relay.h"

namespace buildjail {

/**
 * The terminals of commands that run, and of ours the one that is typed into. No command gets a terminal of ours: where
 * it is to have one, it gets another, and what goes through it is passed on. Any thread.
 */
class TerminalRelays {
 public:
  TerminalRelays() = default;
  TerminalRelays(const TerminalRelays&) = delete;
  TerminalRelays& operator=(const TerminalRelays&) = delete;
  TerminalRelays(TerminalRelays&&) = delete;
  TerminalRelays& operator=(TerminalRelays&&) = delete;
  ~TerminalRelays() { stop(); }

  /** The terminal that a command is to have; nothing where none of its standard descriptors is one. */
  Result<std::optional<CommandTerminal>> wanted_by(const LaunchRequest& request);
  /** Comes before the launch. `ends` has the pipes where there are some. */
  Status begin(std::uint32_t run, const CommandTerminal& terminal, UniqueFd master, StdioEnds& ends);
  /** The command's terminal keeps what is typed from now on: see TerminalRelay::opened. */
  void opened(std::uint32_t run);
  /** There was no launch. */
  void drop(std::uint32_t run);
  [[nodiscard]] bool is_any() const noexcept { return count_ > 0; }
  /** The command has ended: see TerminalRelay::finish. Where it has no terminal, `then` is called here. */
  void finish(std::uint32_t run, std::function<void()> then);
  /** False where the command has no terminal, or has ended. */
  bool resize(std::uint32_t run, TerminalSize size);
  /** See TerminalRelay::look_again; of all. */
  void look_again();
  /** Comes before a signal that ends this process: our terminal has its mode back, and keeps it. */
  void give_back();
  /** Ends all of them. Nothing is passed on any more. Again: nothing to do. */
  void stop();

 private:
  using Relay = std::unique_ptr<TerminalRelay>;

  Result<std::shared_ptr<HostTerminal>> keyboard();

  std::mutex mutex_;
  std::atomic<std::size_t> count_ = 0;
  std::map<std::uint32_t, Relay> relays_;
  /** Their commands have ended. */
  std::vector<Relay> finishing_;
  std::weak_ptr<HostTerminal> keyboard_;
};

}  // namespace buildjail
