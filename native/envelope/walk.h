#pragma once

#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "envelope/part.h"
#include "state/journal.h"

namespace buildjail {

struct CloseReport {
  Trace trace;
  std::vector<SysError> failures;
  TakenAway taken{};
};

/**
 * The parts of an envelope, the oldest first. Opening goes through them forwards. Closing, a failed opening and a
 * recovery go through them backwards. The destructor takes away all that can be taken away.
 */
class Walk {
 public:
  Walk() = default;
  /** For the parts that a dead session left. */
  explicit Walk(Parts left);
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  Walk(Walk&&) = delete;
  Walk& operator=(Walk&&) = delete;
  ~Walk();

  /**
   * Makes the parts, and notes their facts in the journal, which one of the parts begins. When one cannot be made, the
   * walk takes away those before it. The error then also names each part that could not be taken away.
   */
  Status open(Parts parts, Journal& journal, Trace& trace);
  /** Does the same for more parts, but after a failure those that were made stay for `take_away`. */
  Status add(Parts parts, Journal& journal, Trace& trace);
  /**
   * Takes away all parts, the youngest first. A part that cannot be taken away stays, with each part that it stands on,
   * and the next call tries those again. Without a part the report is empty.
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
