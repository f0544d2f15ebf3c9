#include "linux/recovery.h"

#include <string>
#include <utility>
#include <vector>

#include "linux/parts.h"

namespace buildjail {

Recovery recovery_of(const std::string& state_directory) {
  return {state_directory,
          [state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) -> std::vector<SysError> {
            DeadSession dead{
                .state_directory = state_directory, .entry = entry, .journal = journal, .leftovers = outcome.leftovers};
            auto parts = NamespaceParts::left(dead);
            if (!parts) return {std::move(parts.error())};
            return take_away_left(std::move(*parts), outcome);
          }};
}

RecoveryReport recover_state(const std::string& state_directory, std::chrono::milliseconds bound, pid_t dying) {
  return recovery_of(state_directory).run(bound, dying);
}

}  // namespace buildjail
