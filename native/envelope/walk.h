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
};

/**
 * The parts of an envelope, the oldest first, of which some may be made. Opening goes through them forwards; closing, a
 * failed opening and a recovery go backwards. When this goes it takes away what it can of what is left.
 */
class Walk {
 public:
  Walk() = default;
  /** Parts that an earlier process made, for this one to take away. */
  explicit Walk(Parts rebuilt);
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  Walk(Walk&&) = delete;
  Walk& operator=(Walk&&) = delete;
  ~Walk();

  /**
   * Makes all of them, and takes away those that were made when one cannot be; the error then says as well what could
   * not be taken away. What they tell of themselves is noted in the journal, which one of them begins.
   */
  Status open(Parts parts, Journal& journal, Trace& trace);
  /** Makes more of them. What was made of them when one cannot be stays, to be taken away with the rest. */
  Status add(Parts parts, Journal& journal, Trace& trace);
  /**
   * Takes away what is there, the youngest first. What will not go stays with all that it stands on, and is tried again
   * the next time. Where nothing is left, nothing is reported.
   */
  CloseReport take_away();
  /** What is left is for a recovery. */
  void leave() noexcept { parts_.clear(); }

 private:
  struct Listed {
    std::unique_ptr<Part> part;
    bool is_noted = false;
  };

  [[nodiscard]] bool is_stood_on(std::size_t at) const;

  std::vector<Listed> parts_;
};

}  // namespace buildjail
