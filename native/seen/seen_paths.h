#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace buildjail {

/** Also in src/native/trace.ts, as are the uses. */
enum class Found : std::uint8_t { kThere = 1, kMissing = 2, kRefused = 4 };

/** Why a call looks a path up. */
enum class Use : std::uint8_t {
  /** The call only looks at the file, not at its content. */
  kLook = 1,
  kRead = 2,
  /** The call changes, makes, renames or removes the file. */
  kWrite = 4,
  kExecute = 8,
  /** The call reads the names in a folder. */
  kList = 16,
};

/** One path in one call. */
struct Lookup {
  /** Absolute inside the session, without `.` and `..`. */
  std::string path;
  /** Where links lead from there; empty if none does. */
  std::string leads_to{};
  Found found = Found::kThere;
  Use use = Use::kLook;
  /** A link at the end is followed. */
  bool follows = true;
  /** Every later call would have the same result. */
  bool lasts = false;
};

/**
 * The paths that the processes of a session looked up, and the programs that did. Its size is bounded: records without
 * room are only counted. Any thread may call it.
 */
class SeenPaths {
 public:
  /** The most bytes of all paths together, with their tables. A build chooses the paths and how many there are. */
  static constexpr std::size_t kMostBytes = std::size_t{112} * 1024 * 1024;

  explicit SeenPaths(std::size_t most_bytes = kMostBytes) : most_bytes_(most_bytes) {}

  /** The process has its parent's program until it executes one. Times are microseconds since 1970. */
  void begin(pid_t process, pid_t parent, std::int64_t at_us);
  /** A process whose beginning was not seen has no parent here. */
  void execute(pid_t process, std::string path, std::string argv0);
  void end(pid_t process, std::int64_t at_us);
  /** The process may go on, and begins anew if it does. */
  void forget(pid_t process);

  void add(pid_t process, Lookup lookup);
  /** Counts a lasting path that is known for this use. False if it must be looked up. */
  bool add_known(pid_t process, std::string_view path, Use use, bool follows);
  /** The path is not known, or the call was not seen. */
  void lose(std::uint64_t count = 1);

  /** Little-endian, for src/native/trace.ts. */
  [[nodiscard]] std::vector<std::byte> pack() const;

 private:
  struct Program {
    std::string path;
    std::string argv0;
    std::uint32_t processes = 0;
  };
  struct Process {
    pid_t number;
    pid_t parent;
    std::uint32_t program;
    std::int64_t began_us;
    /** 0 if it is not known. */
    std::int64_t ended_us = 0;
  };
  /** Indexes of `programs_` and `processes_`. */
  struct Running {
    std::uint32_t program;
    std::optional<std::size_t> process{};
  };
  struct File {
    std::string path;
    std::string leads_to;
    Found first_found;
    Use first_use;
    std::uint8_t found = 0;
    std::uint8_t uses = 0;
    /** The uses that were looked up and last, separately for links followed at the end and not. */
    std::uint8_t lasting_followed = 0;
    std::uint8_t lasting_held = 0;
    std::uint32_t count = 0;
    /** Some of the programs that looked it up. */
    std::vector<std::uint32_t> programs{};
  };

  std::uint32_t program_of(pid_t process) const;
  /** The caller holds the lock. */
  void add_one(std::uint32_t program, Lookup lookup);
  static void count(File& file, std::uint32_t program, Found found, Use use);
  /** Takes room for so many bytes. */
  bool reserve(std::size_t size);

  std::size_t most_bytes_;
  mutable std::mutex mutex_;
  std::deque<File> files_;
  std::unordered_map<std::string_view, File*> by_path_;
  std::vector<Program> programs_;
  std::vector<Process> processes_;
  std::uint32_t processes_left_out_ = 0;
  std::unordered_map<pid_t, Running> running_;
  std::unordered_map<std::string, std::uint32_t> program_numbers_;
  std::size_t bytes_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace buildjail
