#include "state/session_list.h"

#include <fcntl.h>
#include <sys/file.h>

#include <utility>

#include "state/journal.h"
#include "state/locked_file.h"
#include "state/state_directory.h"

namespace buildjail {

Result<std::vector<ListedSession>> list_sessions(const std::string& state_directory) {
  auto state = read_state_directory(state_directory);
  if (!state) return std::move(state.error());
  std::vector<ListedSession> sessions;
  for (const std::string& id : state->sessions) {
    const std::string file = journal_of(state_directory, id);
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    const auto text = fd ? read_file("list", file, fd.get()) : std::string();
    auto entry = text ? read_entry(file, *text) : std::optional<JournalEntry>();
    if (!entry || !*entry) continue;
    // For the moment of asking only, and shared, so that two who ask do not take each other for the owner.
    const bool is_locked = ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0;
    const bool is_live = is_locked && !(*entry)->is_being_recovered;
    sessions.push_back({.entry = std::move(**entry), .is_live = is_live});
  }
  return sessions;
}

}  // namespace buildjail
