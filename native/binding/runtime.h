#pragma once

#include <napi.h>

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "core/envelope.h"
#include "core/exit_waiter.h"
#include "core/unique_fd.h"

namespace buildjail {

/**
 * What one JavaScript environment has of native code: the waiter, the way back to its listener, and the envelopes that
 * are open. When the environment goes, be it by process.exit() or a terminated worker thread, everything open is closed
 * first.
 */
class Runtime {
 public:
  Runtime() : system_(System::create()) {}

  System& system() noexcept { return *system_; }

  // On the JavaScript thread.

  /** Must come before the first open. */
  Status start(Napi::Env env, const Napi::Function& listener);
  [[nodiscard]] bool is_started() const noexcept { return waiter_ != nullptr; }
  [[nodiscard]] bool is_ended() const noexcept { return is_listener_gone_; }
  /** While a command runs, the environment's event loop stays alive for its exit. */
  void run_began(Napi::Env env);
  void run_ended(Napi::Env env);
  /** Owned until JavaScript has come to it: what a worker thread does between two turns may never come (terminate()).
   */
  void keep_descriptor(int fd) { kept_.insert_or_assign(fd, UniqueFd(fd)); }
  void release_descriptor(int fd);
  void close_descriptor(int fd) { kept_.erase(fd); }
  /** The environment goes. Again: nothing is left to do. */
  void shut_down();

  // On any thread.

  ExitWaiter& waiter() noexcept { return *waiter_; }
  Result<std::shared_ptr<Envelope>> open(EnvelopePlan plan, const std::string& id);
  CloseReport close(const std::shared_ptr<Envelope>& envelope);

 private:
  void deliver(Exit exit);

  std::unique_ptr<System> system_;
  std::shared_ptr<ExitWaiter> waiter_;
  Napi::ThreadSafeFunction listener_;
  std::size_t runs_ = 0;
  bool is_listener_gone_ = false;
  std::map<int, UniqueFd> kept_;

  std::mutex mutex_;
  std::condition_variable opened_;
  std::set<std::shared_ptr<Envelope>> envelopes_;
  std::size_t opening_ = 0;
  bool is_shut_down_ = false;
};

}  // namespace buildjail
