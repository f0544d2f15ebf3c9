#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/back_off.h"
#include "base/result.h"
#include "base/trace.h"
#include "state/journal.h"
#include "state/lent_output.h"

namespace buildjail {

/** One walk backwards. All parts that it takes away share this. */
struct TakingAway {
  Trace& trace;

  /** As BackOff::wait, with one bound for all parts together. It begins with the first part that is busy. */
  bool wait_while_busy() {
    if (!busy) busy.emplace(kBusyBound);
    return busy->wait();
  }

  static constexpr std::chrono::milliseconds kBusyBound{2000};
  std::optional<BackOff> busy{};
  std::vector<LeftInOutput> left_in_outputs{};
};

/**
 * One thing that an envelope is made of. A Walk makes it and takes it away, as the Walk knows the order. So the
 * destructor of a part undoes nothing; its members close what they own.
 */
class Part {
 public:
  virtual ~Part() = default;
  Part() = default;
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  Part(Part&&) = delete;
  Part& operator=(Part&&) = delete;

  /** Its name in the trace and in errors. Empty for a part that marks the trace by itself, or that does nothing. */
  [[nodiscard]] virtual std::string_view step() const { return {}; }
  /** Where it is as seen from inside. May be empty. */
  [[nodiscard]] virtual std::string_view target() const { return {}; }

  /**
   * The walk notes these in the journal before it makes the part, so that a recovery can take it away. Empty where
   * there are none, or where they are not known before an earlier part was made.
   */
  [[nodiscard]] virtual std::vector<Fact> facts() const { return {}; }
  virtual Status make(Trace& trace) = 0;
  /**
   * The walk calls this for a part that could not be made as well. After a failure the walk keeps the part and calls
   * this again the next time.
   */
  virtual Status take_away(TakingAway&) { return {}; }

  /** Its path on the host. Empty for a part that is in no one place, such as the processes. */
  [[nodiscard]] virtual std::string_view place() const { return {}; }
  /** Whether an earlier part has to stay for as long as this part does. */
  [[nodiscard]] bool stands_on(const Part& earlier) const {
    const std::string_view mine = place();
    const std::string_view its = earlier.place();
    if (mine.empty() || its.empty() || mine == its) return true;
    return mine.size() > its.size() && mine.starts_with(its) && mine[its.size()] == '/';
  }
};

}  // namespace buildjail
