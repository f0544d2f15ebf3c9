#pragma once

#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * The process beside this one that outlives it (watch/main.cc): when this one is killed it takes away what was
 * left. It is started on a thread of its own, while the first session is being opened, and again while the next is
 * where it was killed meanwhile. It has nothing of this process but one end of a socket, whose other end closes when
 * this process ends, however it does.
 */
class Watcher {
 public:
  /**
   * `let_go` is the system's: in a vfork(2)ed child it puts every signal to its default, blocks none, and closes every
   * descriptor above 2. Null, or the call that failed.
   */
  explicit Watcher(const char* (*let_go)()) : let_go_(let_go) {}
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  Watcher(Watcher&&) = delete;
  Watcher& operator=(Watcher&&) = delete;
  ~Watcher();

  /**
   * Comes before anything is made in a state directory. Does not wait for the program to be loaded; the process is
   * there when this returns. ENOENT and the like when there is no such program to be executed.
   */
  Status watch(const std::string& state_directory);
  /** Comes after it was made: whether the program runs by now. */
  Status confirm();
  /** Everything was taken away, so that it is not needed. Again: nothing to do. */
  void end();

 private:
  Status start();
  [[nodiscard]] bool is_gone() const;
  void reap_and_forget();
  void run(const std::string& program, UniqueFd theirs, UniqueFd null);

  const char* (*let_go_)();
  std::mutex mutex_;
  /** It is told each of them. */
  std::set<std::string> directories_;
  UniqueFd ours_;
  std::thread thread_;
  pid_t pid_ = -1;
  /** Written by the child, which runs in our memory at first. */
  std::atomic<bool> is_there_ = false;
  /** Of the thread; read after it ended. */
  Status started_;
};

}  // namespace buildjail
