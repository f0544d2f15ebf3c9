#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "binding/to_js.h"
#include "envelope/jobs.h"

namespace buildjail {

/**
 * The native side of one JavaScript environment: its jobs, and the way back to its listener. When the environment goes,
 * be it by process.exit() or a terminated worker thread, everything open is closed first.
 */
class Runtime {
 public:
  /** Makes what JavaScript has of an envelope. */
  using WrapEnvelope = std::function<Napi::Value(Napi::Env, const std::shared_ptr<Envelope>&, const std::string& id)>;

  Jobs& jobs() noexcept { return jobs_; }

  // On the JavaScript thread.

  /** Comes before the first job. The functions are those of a NativeListener of src/native/binding.ts. */
  Status start(Napi::Env env, const Napi::Function& on_started, const Napi::Function& on_ended,
               const Napi::Function& on_network, WrapEnvelope wrap);
  [[nodiscard]] bool is_started() const noexcept { return jobs_.is_started(); }
  [[nodiscard]] bool is_ended() const noexcept { return is_listener_gone_; }
  /**
   * Throws if JavaScript could not learn of the outcome. A listener of process.exit() can call this, and under Bun a
   * worker thread after it was terminated. The pipes of a job that starts then would never be closed.
   */
  void refuse_unless_listening(Napi::Env env) const;
  /** Work that will be reported, once. The environment's event loop stays alive until then. */
  void began(Napi::Env env);
  /**
   * Keeps a descriptor until JavaScript has seen it: a worker thread may be terminated between two turns (terminate()).
   */
  void keep_descriptor(std::shared_ptr<UniqueFd> kept) {
    const int fd = kept->get();
    kept_.insert_or_assign(fd, std::move(kept));
  }
  void release_descriptor(int fd);
  void close_descriptor(int fd) { kept_.erase(fd); }
  /** Something that tells of itself on a thread of its own, again and again; it goes with the environment at the
   * latest. */
  std::uint32_t keep(std::shared_ptr<void> teller) {
    tellers_.emplace(++last_teller_, std::move(teller));
    return last_teller_;
  }
  /** Drops what keep() registered, and ends the work that began() announced. */
  void let_go(Napi::Env env, std::uint32_t teller) {
    if (tellers_.erase(teller) != 0) ended(env);
  }
  /** The environment ends. A second call does nothing. */
  void shut_down();

  // On any thread.

  /** Calls `what` on the JavaScript thread, unless the environment ends before. `began` must have been called. */
  void tell(std::function<void(Napi::Env)> what) {
    tell_more([this, what = std::move(what)](Napi::Env env) {
      ended(env);
      what(env);
    });
  }
  /** As `tell`, but more reports may follow for the same work. */
  void tell_more(std::function<void(Napi::Env)> what);

 private:
  void tell_started(std::uint32_t job, pid_t pid);
  void tell_ended(JobEnd end);
  void tell_network(const std::string& session, std::vector<NetworkEvent> events, std::shared_ptr<void> until_told);
  void tell_next(Napi::Env env);
  void ended(Napi::Env env);

  Napi::ThreadSafeFunction listener_;
  Napi::FunctionReference on_started_;
  Napi::FunctionReference on_ended_;
  Napi::FunctionReference on_network_;
  WrapEnvelope wrap_;
  std::size_t under_way_ = 0;
  std::uint32_t last_teller_ = 0;
  bool is_listener_gone_ = false;
  std::map<int, std::shared_ptr<UniqueFd>> kept_;
  std::map<std::uint32_t, std::shared_ptr<void>> tellers_;

  std::mutex mutex_;
  std::deque<std::function<void(Napi::Env)>> told_;
  bool is_shut_down_ = false;
  /** Declared last, because its threads use the other members. */
  Jobs jobs_{[this](std::uint32_t job, pid_t pid) { tell_started(job, pid); },
             [this](JobEnd end) { tell_ended(std::move(end)); },
             [this](const std::string& session, std::vector<NetworkEvent> events, std::shared_ptr<void> until_told) {
               tell_network(session, std::move(events), std::move(until_told));
             }};
};

/** That of the addon in this environment. */
std::shared_ptr<Runtime> runtime_of(Napi::Env env);

/** Adds the raw calls of this system. Linux has none. */
void export_system_calls(Napi::Env env, Napi::Object exports);

/**
 * Runs `work`, which may wait, on one of the runtime's threads, and settles a promise with its value or its error. This
 * is the only way from JavaScript onto a thread, except for jobs. `to_js(env, value)` makes what JavaScript gets.
 */
template <class Work, class ToJs = AsItIs>
Napi::Promise promise(Napi::Env env, const std::shared_ptr<Runtime>& runtime, Work work, ToJs to_js = {}) {
  runtime->refuse_unless_listening(env);
  struct State {
    Napi::Promise::Deferred deferred;
    Work work;
    ToJs to_js;
    std::optional<std::invoke_result_t<Work&>> result;
  };
  auto state = std::make_shared<State>(
      State{Napi::Promise::Deferred::New(env), std::move(work), std::move(to_js), std::nullopt});
  auto settle = [state](Napi::Env at) {
    if (*state->result) {
      state->deferred.Resolve(state->to_js(at, **state->result));
    } else {
      state->deferred.Reject(error_to_js(at, state->result->error()));
    }
  };
  runtime->jobs().closing_threads().run([runtime, state, settle] {
    state->result.emplace(caught("work", state->work));
    runtime->tell(settle);
  });
  runtime->began(env);
  return state->deferred.Promise();
}

}  // namespace buildjail
