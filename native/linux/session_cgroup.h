#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/accounting.h"
#include "envelope/part.h"
#include "linux/cgroup_entrances.h"
#include "linux/cgroup_places.h"

namespace buildjail {

/**
 * The cgroups of a session: one in each hierarchy that holds a limit or counts something. Its init is in them, and so
 * is all that descends from it. Any thread.
 */
class SessionCgroup {
 public:
  SessionCgroup(PlacedLimits placed, const std::string& id);

  /** Whether it has none. All below is nothing then, and costs nothing. */
  [[nodiscard]] bool is_none() const noexcept { return cgroups_.empty(); }
  [[nodiscard]] std::vector<Fact> facts() const;
  Status make();
  /** From `make` on, until they are let go of. */
  [[nodiscard]] const CgroupEntrances& entrances() const noexcept { return entrances_; }
  void close_entrances() { entrances_ = {}; }

  /** Puts the limits on. Init is in it, and no command yet. */
  Status hold();
  /** Takes away what would hold up the end of processes, for which they need the processor. */
  void let_end();
  /** The processes that were to end have. */
  void hold_on();
  /** What was used, and what was met, is as of then from there on. */
  Status take_away(TakingAway& taking);

  [[nodiscard]] std::vector<AppliedLimit> applied() const;
  /** Nothing where no cgroup counts. */
  [[nodiscard]] std::optional<SessionUsage> usage() const;
  [[nodiscard]] LimitsMet met() const;

 private:
  struct Cgroup {
    CgroupPlace place;
    std::string directory;
  };

  static Status give_controllers(const CgroupPlace& place);
  [[nodiscard]] const Cgroup* with(Controller one) const;
  Status refuse_too_little() const;
  Status put(const Cgroup& cgroup, Limit limit, std::uint64_t value, const char* file, const std::string& text);
  [[nodiscard]] Status hold_sockets(const Cgroup& memory) const;
  [[nodiscard]] const char* quota_file() const;
  [[nodiscard]] std::string quota(std::uint64_t thousandths) const;
  [[nodiscard]] SessionUsage count() const;
  [[nodiscard]] LimitsMet look() const;

  Limits limits_;
  std::vector<Cgroup> cgroups_;
  CgroupEntrances entrances_;

  mutable std::mutex mutex_;
  std::vector<AppliedLimit> applied_;
  std::optional<SessionUsage> last_usage_;
  LimitsMet last_met_;
};

}  // namespace buildjail
