#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/traced_processes.h"
#include "seen/seen_paths.h"

namespace buildjail {

/**
 * Reads the file in which ktrace(2) keeps what the processes of a session do, on a thread of its own. What was read is
 * taken out of the file, so that a file system of a small size is room enough.
 */
class PathTrace {
 public:
  PathTrace()
      : seen_(std::make_shared<SeenPaths>()), processes_(seen_, [this](const std::string& path, std::int64_t time_us) {
          return is_made_since(path, time_us);
        }) {}
  PathTrace& operator=(PathTrace&&) = delete;
  ~PathTrace() { end_thread(); }

  /**
   * Makes the file. It lies on a tmpfs, in a folder that no other user can enter. `root` is the session's, which is
   * held open until `finish`.
   */
  Status begin(std::string file, const std::string& root);
  /** Null before `begin`. */
  [[nodiscard]] const char* file() const { return path_.empty() ? nullptr : path_.c_str(); }
  /** Notes that a command was launched, to be traced. Does not wait. */
  void launched(pid_t command) { processes_.launched(command); }
  /** The files seen so far, as SeenPaths packs them. Any thread. */
  [[nodiscard]] std::vector<std::byte> pack();
  /** Reads the rest, and closes the file. No traced process may be left. A second call does nothing. */
  void finish();

 private:
  void loop();
  void end_thread();
  Status wake() const;
  /** Reads the new records. If memory is short, it reads no more. */
  void read();
  void read_records();
  /** Returns how many bytes are whole records. */
  std::size_t take(std::span<const std::byte> read);
  void stop_reading();
  [[nodiscard]] bool is_made_since(const std::string& path, std::int64_t time_us) const;

  std::shared_ptr<SeenPaths> seen_;
  std::string path_;
  UniqueFd queue_;
  std::thread thread_;

  /** For all members below, except `processes_`' own notes of launches from any thread. */
  std::mutex mutex_;
  UniqueFd file_;
  UniqueFd root_;
  TracedProcesses processes_;
  std::vector<std::byte> buffer_;
  std::int64_t offset_ = 0;
  /** The file is empty up to this offset. */
  std::int64_t emptied_ = 0;
  bool is_unreadable_ = false;
};

}  // namespace buildjail
