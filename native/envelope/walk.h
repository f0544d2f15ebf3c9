#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "envelope/part.h"
#include "state/journal.h"

namespace buildjail {

using Parts = std::vector<std::unique_ptr<Part>>;

struct CloseReport {
  Trace trace;
  std::vector<SysError> failures;
  std::vector<LeftInOutput> left_in_outputs{};
};

/**
 * The parts of an envelope, the oldest first. Opening goes through them forwards. Closing, a failed opening and a
 * recovery go through them backwards. The destructor takes away all that will go.
 */
class Walk {
 public:
  Walk() = default;
  /** Of parts that an earlier process made, for this process to take away. */
  explicit Walk(Parts rebuilt);
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  Walk(Walk&&) = delete;
  Walk& operator=(Walk&&) = delete;
  ~Walk();

  /**
   * Notes the facts of all parts in the journal, which one of the parts begins, and makes the parts. When one cannot be
   * made, the walk takes away those before it. The error then also names each part that could not be taken away.
   */
  Status open(Parts parts, Journal& journal, Trace& trace);
  /** The same for more parts, but after a failure those that were made stay for `take_away`. */
  Status add(Parts parts, Journal& journal, Trace& trace);
  /**
   * Takes away all parts, the youngest first. A part that will not go stays, with each part that it stands on, and the
   * next call tries those again. With no part left the report is empty.
   */
  CloseReport take_away();
  /** Leaves the remaining parts to a recovery. */
  void leave() noexcept { parts_.clear(); }

 private:
  struct Listed {
    std::unique_ptr<Part> part;
    bool is_noted = false;
  };

  std::vector<Listed> parts_;
};

}  // namespace buildjail
