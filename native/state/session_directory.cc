#include "state/session_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace buildjail {

namespace {

constexpr const char* kStep = "state-directory";
constexpr mode_t kRoot = 0755;

}  // namespace

Result<SessionDirectory> SessionDirectory::make(const std::string& state_directory, const JournalEntry& entry) {
  auto journal = Journal::begin(state_directory, entry);
  if (!journal) return std::move(journal.error());
  SessionDirectory directory(std::move(*journal), root_of(state_directory, entry.id));
  // chmod as well: a tmpfs takes the mode of what it covers, and the umask is the host program's.
  if (::mkdir(directory.root_.c_str(), kRoot) != 0) return last_error(kStep, "mkdir", directory.root_);
  if (::chmod(directory.root_.c_str(), kRoot) != 0) return last_error(kStep, "chmod", directory.root_);
  return directory;
}

SessionDirectory::~SessionDirectory() { static_cast<void>(remove()); }

Status SessionDirectory::remove() {
  if (root_.empty()) return {};
  if (::rmdir(root_.c_str()) != 0 && errno != ENOENT) return last_error("rmdir", "rmdir", root_);
  if (auto status = journal_.end(); !status) return status;
  root_.clear();
  return {};
}

}  // namespace buildjail
