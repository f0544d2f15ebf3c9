#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/file_flow.h"
#include "launch/launch_request.h"
#include "launch/terminal.h"

namespace buildjail {

/** Both ends of a pipe, or of a pair of sockets; above 2. */
struct Pair {
  UniqueFd reading;
  UniqueFd writing;
};

/** `kind` is kSocket, or any other for a pipe. */
Result<Pair> make_pair(const char* step, StdioKind kind);

/** Both ends of a command's standard descriptors. */
struct StdioEnds {
  /** The descriptors that the command gets as 0, 1 and 2. Empty: the session's own /dev/null, or for stderr the same as
   * stdout. */
  std::array<UniqueFd, 3> child;
  /** Our ends of its pipes. No read(2) of one that is captured waits. */
  std::array<UniqueFd, 3> ours;
  /** Which are pipes that were made: for the command, or for its terminal. */
  std::array<bool, 3> is_pipe{};
  /** stderr is the very end that stdout has. */
  bool is_same = false;
  /** Between its pipes and files of the host. */
  std::vector<std::unique_ptr<FileFlow>> files;
  /** Those that are the command's own terminal, which its system opens; `child` may be empty there. */
  std::array<bool, 3> is_terminal{};
  /** Between that terminal and ours, or JavaScript's pipes. */
  std::unique_ptr<TerminalFlow> terminal;
  /** The ends for the terminal of the pipes that JavaScript has: what it types comes by one, and the other takes what
   * is written. */
  UniqueFd typed;
  UniqueFd shown;
  /** Our sockets, once JavaScript has them: they exist as long as it keeps them open. */
  std::vector<std::weak_ptr<const UniqueFd>> sockets;
  /** All output of the command is spent from it. */
  SharedStdioBudget budget;

  /** The descriptors that the command gets, by number; -1: the session's own /dev/null. */
  [[nodiscard]] std::array<int, 3> numbers() const noexcept {
    return {child[0].get(), child[1].get(), is_same ? child[1].get() : child[2].get()};
  }
  /** Makes the pipes that are missing. It is quick, so it may run on a thread that must not wait. */
  Status make_pipes(const std::array<StdioRequest, 3>& stdio);
  /** Opens files, and takes inherited ones, if they are missing. It may wait for a file system. */
  Status open_files(const std::array<StdioRequest, 3>& stdio);
  /** Makes `terminal`. `master` is our side of the command's. */
  Status connect_terminal(const CommandTerminal& wanted, UniqueFd master);

 private:
  Status make_pipe(std::size_t number, StdioKind kind, UniqueFd& theirs);
  Status give(HostFile file, std::size_t number);
};

/**
 * The pipes of the next command whose output is collected, made while the one before it runs: the next one is spared
 * four system calls.
 */
class ReadyEnds {
 public:
  /** The ready pipes, if the request is for such pipes; otherwise none. */
  StdioEnds take(const std::array<StdioRequest, 3>& stdio);
  /** Keeps them for the next; no more than one command's. */
  void keep(StdioEnds ends) { ends_ = std::move(ends); }
  void drop() { ends_.reset(); }

  /** Empty if no descriptor is left: the command that needs the pipes tries again, and reports it. */
  static std::optional<StdioEnds> make();

 private:
  std::optional<StdioEnds> ends_;
};

}  // namespace buildjail
