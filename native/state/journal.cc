#include "state/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/back_off.h"
#include "state/locked_file.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "journal";
constexpr std::chrono::milliseconds kMakingBound{1000};

}  // namespace

std::string journal_of(const std::string& state_directory, const std::string& id) {
  return root_of(state_directory, id) + kJournalSuffix;
}

std::string root_of(const std::string& state_directory, const std::string& id) { return state_directory + "/" + id; }

Result<Journal> Journal::begin(const std::string& state_directory, const JournalEntry& entry) {
  const std::string file = journal_of(state_directory, entry.id);
  // A recovery may come by before it is locked or written to, and take it for that of a dead process.
  BackOff back_off(kMakingBound);
  auto lock = lock_file(kStep, file, O_RDWR | O_CREAT | O_APPEND);
  while (!lock && lock.error().err == EWOULDBLOCK && back_off.wait())
    lock = lock_file(kStep, file, O_RDWR | O_CREAT | O_APPEND);
  if (!lock) return std::move(lock.error());
  Journal journal(file, std::move(*lock));
  if (auto status = append(kStep, file, journal.lock_.get(), entry_text(entry)); !status) {
    static_cast<void>(journal.end());
    return std::move(status.error());
  }
  return journal;
}

Status Journal::lend(const LentOutput& output) { return append(kStep, file_, lock_.get(), lent_text(output)); }

Status Journal::end() {
  if (!lock_) return {};
  if (::unlink(file_.c_str()) != 0 && errno != ENOENT) return last_error("journal", "unlink", file_);
  lock_.reset();
  return {};
}

}  // namespace buildjail
