#pragma once

#include <string>
#include <vector>

#include "envelope/part.h"
#include "linux/session_cgroup.h"

namespace buildjail {

/** The session's cgroups, with no limit on them yet. They are there before its init, and are taken away after it. */
class CgroupPart final : public Part {
 public:
  /** `cgroup` outlives it. */
  explicit CgroupPart(SessionCgroup& cgroup) : cgroup_(cgroup) {}

  [[nodiscard]] std::string_view step() const override { return "cgroup"; }
  [[nodiscard]] std::vector<Fact> facts() const override { return cgroup_.facts(); }
  Status make(Trace&) override { return cgroup_.make(); }
  Status take_away(TakingAway& taking) override { return cgroup_.take_away(taking); }

 private:
  SessionCgroup& cgroup_;
};

}  // namespace buildjail
