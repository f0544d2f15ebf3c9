#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/fact.h"

namespace buildjail {

/** The name of an entry's file in the state directory is the session's id with this at its end. */
inline constexpr const char* kJournalSuffix = ".journal";
std::string journal_of(const std::string& state_directory, const std::string& id);
/** Where the session's root is mounted, on systems that mount it in the host's sight. */
std::string root_of(const std::string& state_directory, const std::string& id);

/**
 * A session's entry in the state directory. It is locked while its owner lives, by a descriptor that no other program
 * gets: a lock that can be taken says that the owner is dead. When this goes the entry stays for a recovery, unless
 * `end` came before.
 */
class Journal {
 public:
  explicit Journal(std::string file) : file_(std::move(file)) {}
  /** Of a dead session; `lock` is its lock. */
  Journal(std::string file, UniqueFd lock) : file_(std::move(file)), lock_(std::move(lock)), is_begun_(true) {}

  /** Makes it, with nothing in it yet. The state directory exists. */
  Status begin();
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(lock_); }
  /** As long as a copy of it is open somewhere the entry is locked; -1 where it is not begun. */
  [[nodiscard]] int lock() const noexcept { return lock_.get(); }
  /** By one write. The first call makes it an entry. */
  Status note(const std::vector<Fact>& facts);
  /** Removes it. Called again it does nothing. */
  Status end();

 private:
  std::string file_;
  UniqueFd lock_;
  bool is_begun_ = false;
};

}  // namespace buildjail
