#include "linux/recovery.h"

#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "envelope/rebuilt.h"
#include "linux/cgroup_directory.h"
#include "linux/id_ranges.h"
#include "state/lent_output.h"
#include "state/mount_point.h"
#include "state/numbered_lease.h"
#include "state/recover_state.h"
#include "state/words.h"

namespace buildjail {

namespace {

constexpr const char* kIds = "ids";
constexpr const char* kRange = "range";

/** The lease of a range that a dead session still has. */
class IdsLeft final : public Part {
 public:
  IdsLeft(std::string file, Holding dead) : file_(std::move(file)), dead_(std::move(dead)) {}

  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway&) override { return give_back_left(kIds, file_, dead_); }

 private:
  std::string file_;
  Holding dead_;
};

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
  if (is_cgroup_of(remains.entry.id, fact.value))
    remains.parts.push_back(std::make_unique<CgroupLeft>(fact.value));
  else if (::access(fact.value.c_str(), F_OK) == 0)
    remains.left_alone.push_back({fact.value, "it is not the cgroup of a session"});
  return {};
}

Status rebuild_ids(const Fact& fact, Remains& remains) {
  std::string_view rest = fact.value;
  std::uint32_t size = 0;
  std::uint32_t number = 0;
  if (fact.key != kRange || !read_number(cut(rest, ' '), size) || !read_number(rest, number) ||
      remains.entry.host_directory.empty())
    return not_noted_by_us("the journal tells of ids what no session of this version would");
  remains.parts.push_back(
      std::make_unique<IdsLeft>(lease_file_of(remains.entry.host_directory, ids_lease_name(size), number),
                                Holding{.id = remains.entry.id, .state_directory = remains.state_directory}));
  return {};
}

}  // namespace

const char* ids_lease_name(std::uint32_t size) { return size == IdRanges::kFull ? "ids" : "few-ids"; }

Fact ids_fact(std::uint32_t size, std::uint32_t number) {
  return {.part = kIds, .key = kRange, .value = std::to_string(size) + " " + std::to_string(number)};
}

Recovery recovery_of(const std::string& state_directory) {
  return {state_directory, [state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) {
            const std::array table{Rebuild{kIds, rebuild_ids}, Rebuild{kCgroup, rebuild_cgroup},
                                   Rebuild{kLentOutput, rebuild_output}, Rebuild{kMountPoint, rebuild_mount_point}};
            return take_away_rebuilt(table, state_directory, entry, journal, outcome);
          }};
}

RecoveryReport recover_state(const std::string& state_directory, std::chrono::milliseconds bound, pid_t dying) {
  return recovery_of(state_directory).run(bound, dying);
}

}  // namespace buildjail
