#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/back_off.h"
#include "base/result.h"
#include "base/trace.h"
#include "state/fact.h"

namespace buildjail {

/** What all parts have in common that are taken away by one walk. */
struct TakingAway {
  Trace& trace;

  /** As BackOff::wait. What is busy is waited for from the first time on, by all parts together. */
  bool wait_while_busy() {
    if (!busy) busy.emplace(kBusyBound);
    return busy->wait();
  }

  static constexpr std::chrono::milliseconds kBusyBound{2000};
  std::optional<BackOff> busy{};
};

/**
 * One thing that an envelope is made of. It is made and taken away by a Walk, which knows the order; so a destructor
 * undoes nothing but what its members do.
 */
class Part {
 public:
  virtual ~Part() = default;
  Part() = default;
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  Part(Part&&) = delete;
  Part& operator=(Part&&) = delete;

  /** What making it is called in the trace and in errors. Empty where it marks the trace by itself, or not at all. */
  [[nodiscard]] virtual std::string_view step() const { return {}; }
  /** On what, as seen from inside; may be empty. */
  [[nodiscard]] virtual std::string_view target() const { return {}; }

  /**
   * What a recovery would need to take it away, which is noted in the journal before it is made. Empty where that is
   * nothing, or not known before an earlier part was made.
   */
  [[nodiscard]] virtual std::vector<Fact> facts() const { return {}; }
  virtual Status make(Trace& trace) = 0;
  /**
   * Comes also where it could not be made, or was not made to its end. Again: what of it is left to do; so a part that
   * could not be taken away stays to be tried again.
   */
  virtual Status take_away(TakingAway&) { return {}; }

  /** Where it is on the host; empty for what is everywhere, such as the processes of the jail. */
  [[nodiscard]] virtual std::string_view place() const { return {}; }
  /** Whether an earlier part has to stay for as long as this does. */
  [[nodiscard]] bool stands_on(const Part& earlier) const {
    const std::string_view mine = place();
    const std::string_view its = earlier.place();
    if (mine.empty() || its.empty() || mine == its) return true;
    return mine.size() > its.size() && mine.starts_with(its) && mine[its.size()] == '/';
  }
};

}  // namespace buildjail
