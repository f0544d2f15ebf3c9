#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "envelope/record.h"
#include "linux/cgroups.h"

namespace buildjail {

struct NamespaceOpening;

/** The facts and the step of a cgroup. */
inline constexpr const char* kCgroup = "cgroup";

/** Descriptors by which the child that becomes init enters the session's cgroups. */
struct CgroupEntrances {
  /**
   * For each cgroup the file that a process writes itself into, version 2 first. In version 1 this is `tasks` and not
   * `cgroup.procs`: to move a whole process the kernel waits some milliseconds for all processors, and the child has
   * one thread only.
   */
  std::vector<UniqueFd> files;
  /** The directory of the cgroup of version 2, in which the child can be made (execute_in_child). */
  UniqueFd unified;
};

/**
 * The cgroups of a session: one in each hierarchy that enforces a limit or counts something. They hold the session's
 * init and all its descendants. Any thread.
 */
class SessionCgroup {
 public:
  SessionCgroup(PlacedLimits placed, const std::string& id);

  /** Whether the session has no cgroup. Every other function does nothing then. */
  [[nodiscard]] bool is_none() const noexcept { return cgroups_.empty(); }
  [[nodiscard]] std::vector<std::string> directories() const;
  Status make();
  /** The descriptors are open from `make` to `hold`. */
  [[nodiscard]] const CgroupEntrances& entrances() const noexcept { return entrances_; }

  /**
   * Sets the limits. Init is in the cgroups, and no command yet. So the limits neither keep init from starting nor slow
   * down the host program, whose memory the child shares until then.
   */
  Status hold();
  /** Lifts the quota of processor time, which would delay the end of killed processes. */
  void let_end();
  /** To be called after `let_end`, if the session goes on. */
  [[nodiscard]] Status set_quota_again() const;
  /** Before the cgroups are removed: `usage` and `met` give the last counts from then on. */
  void stop_counting();

  [[nodiscard]] std::vector<AppliedLimit> applied() const;
  /** Empty without a cgroup. */
  [[nodiscard]] std::optional<SessionUsage> usage() const;
  [[nodiscard]] LimitsMet met() const;

 private:
  static Status give_controllers(const CgroupPlace& cgroup);
  [[nodiscard]] const CgroupPlace* with(std::string_view one) const;
  Status refuse_too_little() const;
  Status put(const CgroupPlace& cgroup, Limit limit, std::uint64_t value, const char* file, const std::string& text);
  [[nodiscard]] Status hold_sockets(const CgroupPlace& memory) const;
  [[nodiscard]] const char* quota_file() const;
  [[nodiscard]] std::string quota() const;
  [[nodiscard]] SessionUsage count() const;
  [[nodiscard]] LimitsMet look() const;

  Limits limits_;
  /** The directory of each is the session's own, below that place. */
  std::vector<CgroupPlace> cgroups_;
  CgroupEntrances entrances_;

  mutable std::mutex mutex_;
  std::vector<AppliedLimit> applied_;
  std::optional<SessionUsage> last_usage_;
  LimitsMet last_met_;
};

/** The session's cgroups. Its init is born in them, and ends before they are taken away. */
class CgroupPart final : public Part {
 public:
  /** `cgroup` outlives it. */
  explicit CgroupPart(SessionCgroup& cgroup) : directories_(cgroup.directories()), cgroup_(&cgroup) {}
  /** Of a dead session, whose processes have ended. */
  explicit CgroupPart(std::string directory) : directories_{std::move(directory)} {}
  static constexpr std::string_view kFacts = kCgroup;
  static void add_planned(const NamespaceOpening& opening, Parts& parts);
  static Status add_left(const DeadSession& dead, Parts& parts);

  [[nodiscard]] std::string_view step() const override { return kCgroup; }
  [[nodiscard]] std::vector<Fact> facts() const override;
  Status make(Trace&) override { return cgroup_->make(); }
  Status take_away(TakingAway& taking) override;

 private:
  std::vector<std::string> directories_;
  /** Null in a dead session. */
  SessionCgroup* cgroup_ = nullptr;
};

}  // namespace buildjail
