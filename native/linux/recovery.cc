#include "linux/recovery.h"

#include <array>

#include "envelope/rebuilt.h"
#include "state/lent_output.h"
#include "state/recover_state.h"

namespace buildjail {

Recovery recovery_of(const std::string& state_directory) {
  return {state_directory, [state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) {
            const std::array table{Rebuild{kLentOutput, rebuild_output}};
            return take_away_rebuilt(table, state_directory, entry, journal, outcome);
          }};
}

RecoveryReport recover_state(const std::string& state_directory, std::chrono::milliseconds bound, pid_t dying) {
  return recovery_of(state_directory).run(bound, dying);
}

}  // namespace buildjail
