#pragma once

#include <napi.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "envelope/system.h"
#include "launch/exit_waiter.h"
#include "launch/ready_ends.h"
#include "base/unique_fd.h"
#include "envelope/worker_threads.h"

namespace buildjail {

/**
 * What one JavaScript environment has of native code: the waiter, the way back to its listener, and the envelopes that
 * are open. When the environment goes, be it by process.exit() or a terminated worker thread, everything open is closed
 * first.
 */
class Runtime {
 public:
  /** As many as have something to run on, and one less: the event loop would wait for its turn among them. */
  static std::size_t opened_at_once() { return std::max<std::size_t>(2, std::thread::hardware_concurrency()) - 1; }
  /** Of those that wait for a file server and the like. */
  static constexpr std::size_t kMostHeldUp = 8;
  /** Who closes mostly waits, and may have to for a process that does not end. */
  static constexpr std::size_t kMostClosing = 8;

  Runtime() : system_(System::create()) {}

  System& system() noexcept { return *system_; }

  // On the JavaScript thread.

  /** Must come before the first open. */
  Status start(Napi::Env env, const Napi::Function& on_exit, const Napi::Function& on_failure,
               const Napi::Function& make_exit);
  [[nodiscard]] bool is_started() const noexcept { return waiter_ != nullptr; }
  [[nodiscard]] bool is_ended() const noexcept { return is_listener_gone_; }
  /** Something that will be told of, once: until then the environment's event loop stays alive for it. */
  void began(Napi::Env env);
  /** Owned until JavaScript has come to it: what a worker thread does between two turns may never come (terminate()).
   */
  void keep_descriptor(std::shared_ptr<UniqueFd> kept) {
    const int fd = kept->get();
    kept_.insert_or_assign(fd, std::move(kept));
  }
  void release_descriptor(int fd);
  void close_descriptor(int fd) { kept_.erase(fd); }
  /** The environment goes. Again: nothing is left to do. */
  void shut_down();

  /** Makes of an exit what JavaScript has of it. */
  [[nodiscard]] const Napi::FunctionReference& make_exit() const noexcept { return make_exit_; }

  // On any thread.

  ExitWaiter& waiter() noexcept { return *waiter_; }
  ReadyEnds& ready_ends() noexcept { return ready_ends_; }
  /** Makes the next command's standard descriptors ready, as long as there is an envelope that it can come to. */
  void make_ends_ready();
  /** For what is opened and launched. */
  WorkerThreads& threads() noexcept { return threads_; }
  /** For what has to wait for processes to end. */
  WorkerThreads& closing_threads() noexcept { return closing_threads_; }
  /** Calls `what` on the JavaScript thread; never, if the environment goes before. It was said to have begun. */
  void tell(std::function<void(Napi::Env)> what);
  /** Whom not JavaScript but native code is to tell of an exit, on the waiter's thread (ExitWaiter::start). */
  struct ExitTaker {
    std::function<void()> hear;
    std::function<void(Exit)> take;
  };
  /** Comes before the launch of the run. */
  void take_exit(std::uint32_t run, ExitTaker taker);
  /** There was no launch. */
  void leave_exit(std::uint32_t run);
  /** There was no launch. Another exit than that of a launched command, as far as JavaScript is concerned. */
  void tell_failure(std::uint32_t run, SysError error);
  Result<std::shared_ptr<Envelope>> open(SharedPlan plan, const std::string& id);
  CloseReport close(const std::shared_ptr<Envelope>& envelope);

 private:
  void hear(std::uint32_t run);
  void deliver(Exit exit);
  void tell_next(Napi::Env env);
  void ended(Napi::Env env);

  std::unique_ptr<System> system_;
  std::shared_ptr<ExitWaiter> waiter_;
  ReadyEnds ready_ends_;
  Napi::ThreadSafeFunction listener_;
  Napi::FunctionReference on_exit_;
  Napi::FunctionReference on_failure_;
  Napi::FunctionReference make_exit_;
  std::size_t under_way_ = 0;
  bool is_listener_gone_ = false;
  std::map<int, std::shared_ptr<UniqueFd>> kept_;

  std::mutex mutex_;
  std::condition_variable opened_;
  std::set<std::shared_ptr<Envelope>> envelopes_;
  std::map<std::uint32_t, ExitTaker> takers_;
  std::deque<std::function<void(Napi::Env)>> told_;
  std::size_t opening_ = 0;
  bool is_shut_down_ = false;
  /** Last: what they do needs the rest. */
  WorkerThreads threads_{opened_at_once(), opened_at_once() + kMostHeldUp};
  WorkerThreads closing_threads_{kMostClosing, kMostClosing};
};

}  // namespace buildjail
