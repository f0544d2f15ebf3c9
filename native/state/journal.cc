#include "state/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/back_off.h"
#include "state/journal_entry.h"
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

Status Journal::begin() {
  // A recovery may come by before it is locked or written to, and take it for that of a dead process.
  BackOff back_off(kMakingBound);
  auto lock = lock_file(kStep, file_, O_RDWR | O_CREAT | O_APPEND);
  while (!lock && lock.error().err == EWOULDBLOCK && back_off.wait())
    lock = lock_file(kStep, file_, O_RDWR | O_CREAT | O_APPEND);
  if (!lock) return std::move(lock.error());
  lock_ = std::move(*lock);
  return {};
}

Status Journal::note(const std::vector<Fact>& facts) {
  const std::string text = is_begun_ ? facts_text(facts) : entry_text(facts);
  is_begun_ = true;
  return append(kStep, file_, lock_.get(), text);
}

Status Journal::end() {
  if (!lock_) return {};
  if (::unlink(file_.c_str()) != 0 && errno != ENOENT) return last_error(kStep, "unlink", file_);
  lock_.reset();
  return {};
}

}  // namespace buildjail
