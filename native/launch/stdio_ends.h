#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/flow.h"
#include "launch/launch_request.h"
#include "launch/output_budget.h"

namespace buildjail {

/** Both ends of a command's standard descriptors. */
struct StdioEnds {
  /** What the command gets as 0, 1 and 2. Empty where that is the session's own /dev/null, or stderr what stdout is. */
  std::array<UniqueFd, 3> child;
  /** Our ends of its pipes; empty where there is none. No read(2) of one that is captured waits. */
  std::array<UniqueFd, 3> ours;
  /** Which of the command's are pipes that were made for it. */
  std::array<bool, 3> is_pipe{};
  /** stderr is the very end that stdout has. */
  bool is_same = false;
  /** Between its pipes and files of the host. */
  std::vector<Flow> flows;
  /** Those that are the command's own terminal, which its system opens; `child` may be empty there. */
  std::array<bool, 3> is_terminal{};
  /** What is typed into that terminal comes here, and what is written to it goes here, where JavaScript has the other
   * end. */
  UniqueFd typed;
  UniqueFd shown;
  /** Those of ours that are sockets, once they were given away: there as long as who has them keeps them open. */
  std::vector<std::weak_ptr<const UniqueFd>> sockets;
  /** Of what comes out of the command, as far as native code reads it. */
  SharedOutputBudget budget;

  /** The descriptors that the command gets, by number; -1: the session's own /dev/null. */
  [[nodiscard]] std::array<int, 3> numbers() const noexcept {
    return {child[0].get(), child[1].get(), is_same ? child[1].get() : child[2].get()};
  }
  /** Makes the pipes that are not there yet; quick, so it may run on a thread that must not wait. */
  Status make_pipes(const std::array<StdioRequest, 3>& stdio);
  /** Opens files, and takes what is inherited, where that is not there yet; may wait for a file system. */
  Status open_files(const std::array<StdioRequest, 3>& stdio);

 private:
  Status make_pipe(std::size_t number, StdioKind kind);
  Status give(HostFile file, std::size_t number);
  Status make_terminal_pipes();
};

}  // namespace buildjail
