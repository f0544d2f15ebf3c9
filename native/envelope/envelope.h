#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "envelope/record.h"
#include "envelope/walk.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"
#include "plan/plan.h"

namespace buildjail {

/** What a plan was made into: on FreeBSD a jail and its mounts, on Linux namespaces. Calls may come from any thread,
 * one at a time but for `close`. */
class Envelope {
 public:
  virtual ~Envelope() = default;
  Envelope() = default;
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;
  Envelope(Envelope&&) = delete;
  Envelope& operator=(Envelope&&) = delete;

  [[nodiscard]] virtual const Trace& trace() const = 0;
  /**
   * Performs the rest of a plan of which it was opened with the base, and seals the root. Until then nothing can be
   * launched, and once it has failed nothing ever.
   */
  virtual Status complete(std::vector<Step> rest) = 0;
  /** Returns once the command is running; from then on the waiter has it. */
  virtual Result<pid_t> launch(LaunchRequest request, StdioEnds ends) = 0;
  /** SIGKILL to every process inside. */
  virtual Status kill_all() = 0;
  virtual Result<Record> record() = 0;
  /** Comes before `close`, on a thread that must not wait: begins what then goes on by itself. */
  virtual void begin_close() {}
  /** Kills and takes away everything. Again: tries what is left; where that is nothing, nothing is reported. */
  virtual CloseReport close() = 0;
};

}  // namespace buildjail
