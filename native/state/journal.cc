#include "state/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/back_off.h"
#include "base/text.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "journal";
constexpr std::chrono::milliseconds kMakingBound{1000};
/** With the number of the format. */
constexpr std::string_view kFirstLine = "buildjail-journal 2";
/** The last line of a new entry. */
constexpr std::string_view kWhole = "begun";
constexpr const char* kSession = "session";

bool take_session_fact(const Fact& fact, JournalEntry& entry) {
  if (fact.key == "id") entry.id = fact.value;
  if (fact.key == "name") entry.name = fact.value;
  if (fact.key == "pid") return read_number(fact.value, entry.pid) && entry.pid > 0;
  if (fact.key == "leases") entry.host_directory = fact.value;
  if (fact.key == "started") return read_number(fact.value, entry.started_ms);
  if (fact.key == "recovering") entry.is_being_recovered = true;
  return true;
}

bool read_line(std::string_view line, JournalEntry& entry) {
  if (line == kWhole) return true;
  Fact fact{.part = std::string(cut(line, ' ')), .key = std::string(cut(line, ' ')), .value = {}};
  if (fact.part.empty() || fact.key.empty() || !unescape(line, fact.value)) return false;
  if (fact.part == kSession) return take_session_fact(fact, entry);
  entry.facts.push_back(std::move(fact));
  return true;
}

SysError damaged(const std::string& path, const std::string& detail) {
  return {.step = kStep, .syscall = "read", .err = EINVAL, .path = path, .detail = detail};
}

}  // namespace

std::string_view JournalEntry::fact(std::string_view part, std::string_view key) const {
  const auto found =
      std::ranges::find_if(facts, [part, key](const Fact& one) { return one.part == part && one.key == key; });
  return found == facts.end() ? std::string_view() : found->value;
}

std::vector<Fact> session_facts(const JournalEntry& entry) {
  return {{kSession, "id", entry.id},
          {kSession, "name", entry.name},
          {kSession, "pid", std::to_string(entry.pid)},
          {kSession, "started", std::to_string(entry.started_ms)},
          {kSession, "leases", entry.host_directory}};
}

Fact recovering_fact(pid_t pid) { return {kSession, "recovering", std::to_string(pid)}; }

std::string entry_text(const std::vector<Fact>& facts) {
  return std::string(kFirstLine).append("\n").append(facts_text(facts)).append(kWhole).append("\n");
}

std::string facts_text(const std::vector<Fact>& facts) {
  std::string text;
  for (const auto& [part, key, value] : facts) {
    text.append(part).append(" ").append(key).append(" ").append(escaped(value)).append("\n");
  }
  return text;
}

Result<std::optional<JournalEntry>> read_entry(const std::string& path, std::string_view text) {
  const std::string_view first = text.substr(0, kFirstLine.size());
  if (!kFirstLine.starts_with(first)) return damaged(path, "it does not begin like a journal of this version");
  text = text.substr(0, text.rfind('\n') + 1);
  if (text.empty()) return std::optional<JournalEntry>();
  if (cut(text, '\n') != kFirstLine) return damaged(path, "it is a journal of another version");
  JournalEntry entry;
  bool is_whole = false;
  while (!text.empty()) {
    const std::string_view line = cut(text, '\n');
    if (!read_line(line, entry)) return damaged(path, "'" + std::string(line) + "' is no line of a journal");
    is_whole |= line == kWhole;
  }
  if (!is_whole) return std::optional<JournalEntry>();
  if (entry.id.empty() || entry.pid == 0) return damaged(path, "it does not name its session and process");
  return std::optional(std::move(entry));
}

std::string journal_of(const std::string& state_directory, const std::string& id) {
  return root_of(state_directory, id).append(kJournalSuffix);
}

std::string root_of(const std::string& state_directory, const std::string& id) { return state_directory + "/" + id; }

std::string trace_of(const std::string& state_directory, const std::string& id) {
  return root_of(state_directory, id).append(kTraceSuffix);
}

Status Journal::begin() {
  // A recovery may see the file before it is locked and written, and take it for that of a dead process.
  BackOff back_off(kMakingBound);
  // defence: journal-written-owner-alone
  constexpr int kReading = O_RDONLY;
  auto lock = lock_file(kStep, file_, kReading | O_CREAT);
  while (!lock && lock.error().err == EWOULDBLOCK && back_off.wait())
    lock = lock_file(kStep, file_, kReading | O_CREAT);
  if (!lock) {
    // FreeBSD makes the file first, and then looks for a descriptor (openatfp in sys/kern/vfs_syscalls.c).
    if (lock.error().err == EMFILE) static_cast<void>(::unlink(file_.c_str()));
    return std::move(lock.error());
  }
  lock_ = std::move(*lock);
  return {};
}

Status Journal::note(const std::vector<Fact>& facts) {
  const std::string text = is_begun_ ? facts_text(facts) : entry_text(facts);
  is_begun_ = true;
  if (!writing_) writing_.reset(::open(file_.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
  if (!writing_) return last_error(kStep, "open", file_);
  return append(kStep, file_, writing_.get(), text);
}

Status Journal::end() {
  if (!lock_) return {};
  if (::unlink(file_.c_str()) != 0 && errno != ENOENT) return last_error(kStep, "unlink", file_);
  writing_.reset();
  lock_.reset();
  return {};
}

}  // namespace buildjail
