#pragma once

#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * For the vfork(2)ed child that becomes the watcher: resets every signal to its default, leaves all blocked, and
 * closes every descriptor above 2. Returns null, or the name of the call that failed. Each system's folder defines it.
 */
const char* let_go_of_host_program();

/**
 * The process that outlives this one (watch/main.cc): when this one is killed, it takes away the sessions that are
 * left. It is started on a thread of its own while the first session is being opened; if it is killed, the next session
 * starts it again. It has nothing of this process but one end of a socket, whose other end closes when this process
 * ends.
 */
class Watcher {
 public:
  Watcher() = default;
  Watcher& operator=(Watcher&&) = delete;
  ~Watcher();

  /**
   * To be called before anything is made in a state directory, by sessions whose leases are in `leases`: the other
   * process has no environment to find them. When it returns, the process exists; its program may not be loaded yet.
   * Fails with the errno of execve(2), if that has failed by then.
   */
  Status watch(const std::string& state_directory, const std::string& leases);
  /** Must come after that. Fails if the program could not be executed. */
  Status confirm();
  /** Ends the process, when nothing is left. A second call does nothing. */
  void end();

 private:
  Status start();
  [[nodiscard]] bool is_gone() const;
  void reap_and_forget();
  void run(const std::string& program, UniqueFd theirs, UniqueFd null);

  std::mutex mutex_;
  /** The state directories that it knows, each with its leases. */
  std::set<std::pair<std::string, std::string>> directories_;
  UniqueFd ours_;
  std::thread thread_;
  pid_t pid_ = -1;
  /** The child sets it, which runs in our memory at first. */
  std::atomic<bool> is_there_ = false;
  /** The result of the thread, read after its end. */
  Status started_;
};

}  // namespace buildjail
