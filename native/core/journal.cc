#include "core/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "core/back_off.h"
#include "core/locked_file.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "journal";
constexpr mode_t kPrivate = 0700;
constexpr std::chrono::milliseconds kMakingBound{1000};

// A recovery may come by between any two of these calls, see a folder with nothing in it or an entry that nobody has
// locked yet, and take it for that of a dead process. Then it is made again.
Result<UniqueFd> make(const std::string& folder) {
  BackOff back_off(kMakingBound);
  for (;;) {
    if (::mkdir(folder.c_str(), kPrivate) != 0 && errno != EEXIST) return last_error(kStep, "mkdir", folder);
    auto locked = lock_file(kStep, journal_in(folder), O_RDWR | O_CREAT | O_APPEND);
    if (locked) return locked;
    const bool is_taken_away = locked.error().err == ENOENT || locked.error().err == EWOULDBLOCK;
    if (is_taken_away && back_off.wait()) continue;
    // Without an entry it is nobody's; one with somebody's entry in it stays.
    static_cast<void>(::rmdir(folder.c_str()));
    return locked;
  }
}

}  // namespace

Result<Journal> Journal::begin(const std::string& state_directory, const JournalEntry& entry) {
  std::string folder = state_directory + "/" + entry.id;
  auto lock = make(folder);
  if (!lock) return std::move(lock.error());
  Journal journal(std::move(folder), std::move(*lock));
  if (auto status = append(kStep, journal_in(journal.folder_), journal.lock_.get(), entry_text(entry)); !status) {
    static_cast<void>(journal.end());
    return std::move(status.error());
  }
  return journal;
}

Status Journal::lend(const LentOutput& output) {
  return append(kStep, journal_in(folder_), lock_.get(), lent_text(output));
}

Status Journal::end() {
  if (!lock_) return {};
  const std::string file = journal_in(folder_);
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return last_error("rmdir", "unlink", file);
  if (::rmdir(folder_.c_str()) != 0 && errno != ENOENT) return last_error("rmdir", "rmdir", folder_);
  lock_.reset();
  return {};
}

}  // namespace buildjail
