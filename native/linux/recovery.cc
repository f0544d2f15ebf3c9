#include "state/recovery.h"

#include <utility>

#include "linux/parts.h"

namespace buildjail {

// On Linux a session's processes, mounts and namespaces end with its process: its init kills all inside, and holds
// the lock of the journal until it has ended (init/init.c). So a recovery, which needs that lock, comes after them. The
// journal, the outputs, the cgroups and the leases are left.
Recovery recovery_of(const std::string& state_directory, const std::string& leases) {
  return {state_directory, leases,
          [state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) -> std::vector<SysError> {
            DeadSession dead{
                .state_directory = state_directory, .entry = entry, .journal = journal, .leftovers = outcome.leftovers};
            auto parts = NamespaceParts::left(dead);
            if (!parts) return {std::move(parts.error())};
            return take_away_left(std::move(*parts), outcome);
          }};
}

RecoveryReport recover_state(const std::string& state_directory, const std::string& leases, pid_t dying) {
  return recovery_of(state_directory, leases).run(kOthersBound, dying);
}

}  // namespace buildjail
