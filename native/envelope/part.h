#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/back_off.h"
#include "base/result.h"
#include "base/text.h"
#include "base/trace.h"
#include "state/journal.h"
#include "state/recovery.h"

namespace buildjail {

struct DeadSession;
struct Opening;

class Part;
/** In the order in which they are made. */
using Parts = std::vector<std::unique_ptr<Part>>;

/** One walk backwards. All parts that it takes away share this. */
struct TakingAway {
  Trace& trace;
  TakenAway taken{};
  /** The time for all busy parts together, which begins with the first of them. */
  std::optional<BackOff> busy{};

  /** Waits once for a busy part. False, without waiting, when the time for all parts is over. */
  bool wait_while_busy() {
    if (!busy) busy.emplace(kBusyBound);
    return busy->wait();
  }

  static constexpr std::chrono::milliseconds kBusyBound{2000};
};

/**
 * One thing that an envelope is made of. It comes from a plan, and a Walk makes it; or it comes from facts of a dead
 * session's journal, and is there already. A Walk takes it away, because the Walk knows the order. So the destructor of
 * a part undoes nothing; its members close what they own. part_list.h says what a class in a PartList has beside.
 */
class Part {
 public:
  virtual ~Part() = default;
  Part& operator=(Part&&) = delete;
  // For a kind of part without facts in the journal. A recovery has nothing of it to take away, or finds it in another
  // way.
  static constexpr std::string_view kFacts{};
  static Status add_left(const DeadSession&, Parts&) { return {}; }

  /** Its name in the trace and in errors. Empty for a part that marks the trace by itself, or that does nothing. */
  [[nodiscard]] virtual std::string_view step() const { return {}; }
  /** Its place inside the session; may be empty. */
  [[nodiscard]] virtual std::string_view target() const { return {}; }

  /**
   * The facts that a recovery needs to take the part away. The walk notes them in the journal before it makes the part.
   * Empty for a part without facts, or if they are known only after an earlier part was made.
   */
  [[nodiscard]] virtual std::vector<Fact> facts() const { return {}; }
  virtual Status make(Trace&) { return {}; }
  /** Facts that are known only once it is made. The walk notes them before it makes the next part. */
  [[nodiscard]] virtual std::vector<Fact> made_facts() const { return {}; }
  /**
   * The walk also calls this for a part that could not be made. After a failure the walk keeps the part and calls this
   * again the next time.
   */
  virtual Status take_away(TakingAway&) { return {}; }

  /** Its path on the host. Empty for a part that is in no one place, such as the processes. */
  [[nodiscard]] virtual std::string_view place() const { return {}; }
  /** Whether an earlier part must stay for as long as this part does. */
  [[nodiscard]] bool stands_on(const Part& earlier) const {
    const std::string_view mine = place();
    const std::string_view its = earlier.place();
    return mine.empty() || its.empty() || is_within(mine, its);
  }
};

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
  Walk& operator=(Walk&&) = delete;
  ~Walk();

  /**
   * Makes the parts, and notes their facts in the journal, which one of the parts begins. When one cannot be made, the
   * walk gives up.
   */
  Status open(Parts parts, Journal& journal, Trace& trace);
  /** Takes away all parts because of the error, which then also names each part that could not be taken away. */
  SysError give_up(SysError error);
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

/** Takes away the parts of a dead session, the youngest first, and adds them to the outcome. */
std::vector<SysError> take_away_left(Parts parts, Outcome& outcome);

}  // namespace buildjail
