#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "linux/mount_table.h"
#include "linux/namespaces.h"

namespace buildjail {

/**
 * Blank sessions: namespaces with an init, in which nothing of a plan is made yet. Most of the time that a session
 * takes to open is theirs. A thread makes them ahead, from the second session on: the first beside a command, more when
 * no session was worked on for a moment, because they take time from an opening or a short command beside them.
 *
 * Each becomes one session. It ends with this, and with the host program.
 */
class BlankSessions {
 public:
  /** Both outlive this. */
  BlankSessions(const NamespaceHost& host, MountTable& mounts);
  BlankSessions& operator=(BlankSessions&&) = delete;
  ~BlankSessions() { end(); }

  /** Takes a ready blank of that birth, if there is one. More are made for such sessions. */
  std::optional<Namespaces> take(const Birth& birth);
  /** Makes no blank for a moment, because a session is being worked on or a command begins. */
  void give_way(bool to_command = false);
  /**
   * Makes more blanks. To be called when no caller waits for the session that took one. `only_first`: only if no blank
   * is left, because a command runs.
   */
  void refill(bool only_first);
  /**
   * Ends the thread; no blank is begun afterwards. Must be called before the program exits, because exit(3) destroys
   * objects that the thread uses. A second call does nothing.
   */
  void end();

 private:
  void loop();
  void add(std::unique_lock<std::mutex>& lock);
  Birth with_mounts(Birth birth);

  const NamespaceHost& host_;
  MountTable& mounts_;
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wanted_or_stopping_;
  std::chrono::steady_clock::time_point last_done_;
  std::chrono::steady_clock::time_point quiet_from_;
  bool is_stopping_ = false;
  bool has_been_asked_ = false;
  bool is_refused_ = false;
  /** A blank was taken since the thread last looked. */
  bool is_one_wanted_ = false;
  /** The birth of the last session that was opened. */
  std::optional<Birth> birth_;
  std::vector<Namespaces> ready_;
  std::thread thread_;
};

}  // namespace buildjail
