#include "linux/recovery.h"

namespace buildjail {

Recovery recovery_of(const std::string& state_directory) {
  return {state_directory, [](const JournalEntry&, Outcome&) { return Status(); }};
}

}  // namespace buildjail
