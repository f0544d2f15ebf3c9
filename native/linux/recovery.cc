#include "linux/recovery.h"

#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "envelope/mount_points.h"
#include "envelope/rebuilt.h"
#include "linux/cgroups.h"
#include "state/lent_output.h"
#include "state/recovery.h"

namespace buildjail {

namespace {

/** The cgroup of a dead session. Nobody is in it any more. */
class CgroupLeft final : public Part {
 public:
  explicit CgroupLeft(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::string_view step() const override { return kCgroup; }
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway& taking) override { return remove_cgroup(directory_, taking); }

 private:
  std::string directory_;
};

Status rebuild_cgroup(const Fact& fact, Remains& remains) {
  // It may not have been made, or be gone. Whatever else is there by that name is left alone.
  // defence: cgroup-goes-host-program
  if (is_cgroup_of(remains.entry.id, fact.value))
    remains.parts.push_back(std::make_unique<CgroupLeft>(fact.value));
  else if (::access(fact.value.c_str(), F_OK) == 0)
    remains.left_alone.push_back({fact.value, "it is not the cgroup of a session"});
  return {};
}

}  // namespace

Recovery recovery_of(const std::string& state_directory) {
  return {state_directory, [state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) {
            const std::array table{Rebuild{kCgroup, rebuild_cgroup}, Rebuild{kLentOutput, rebuild_lease},
                                   Rebuild{kMountPoint, rebuild_mount_point}, Rebuild{kLentOutput, rebuild_output}};
            return take_away_rebuilt(table, state_directory, entry, journal, outcome);
          }};
}

RecoveryReport recover_state(const std::string& state_directory, std::chrono::milliseconds bound, pid_t dying) {
  return recovery_of(state_directory).run(bound, dying);
}

}  // namespace buildjail
