#pragma once

#include "envelope/part.h"
#include "linux/session_cgroup.h"

namespace buildjail {

/**
 * The limits of a session. They are put on when its init is there, so that they neither keep it from beginning nor hold
 * up the host program, whose memory the child shares until then. They go with the cgroups.
 */
class LimitsPart final : public Part {
 public:
  /** `cgroup` outlives it. */
  explicit LimitsPart(SessionCgroup& cgroup) : cgroup_(cgroup) {}

  [[nodiscard]] std::string_view step() const override { return "limits"; }
  Status make(Trace&) override {
    cgroup_.close_entrances();
    return cgroup_.hold();
  }

 private:
  SessionCgroup& cgroup_;
};

}  // namespace buildjail
