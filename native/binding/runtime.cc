#include "binding/runtime.h"

#include <cerrno>
#include <utility>

#include "binding/error_to_js.h"
#include "binding/to_js.h"
#include "base/caught.h"

namespace buildjail {

Status Runtime::start(Napi::Env env, const Napi::Function& on_exit, const Napi::Function& on_failure,
                      const Napi::Function& make_exit) {
  auto waiter = caught("open", [this] {
    return ExitWaiter::start([this](Exit exit) { deliver(std::move(exit)); }, [this](std::uint32_t run) { hear(run); });
  });
  if (!waiter) return std::move(waiter.error());
  for (WorkerThreads* threads : {&threads_, &closing_threads_}) {
    if (auto status = threads->start(); !status) return status;
  }
  on_exit_ = Napi::Persistent(on_exit);
  on_failure_ = Napi::Persistent(on_failure);
  make_exit_ = Napi::Persistent(make_exit);
  listener_ = Napi::ThreadSafeFunction::New(env, on_exit, "buildjail", 0, 1);
  listener_.Unref(env);
  waiter_ = std::move(*waiter);
  return {};
}

// What was under way when the environment began to go still ends on its thread, and finds the listener freed.
void Runtime::began(Napi::Env env) {
  if (under_way_++ == 0 && !is_listener_gone_) listener_.Ref(env);
}

void Runtime::ended(Napi::Env env) {
  if (--under_way_ == 0 && !is_listener_gone_) listener_.Unref(env);
}

void Runtime::release_descriptor(int fd) {
  const auto kept = kept_.extract(fd);
  if (!kept.empty()) static_cast<void>(kept.mapped()->release());
}

// What is to be told is kept here and not handed to the listener with the call: of one that is aborted nobody would
// take it back.
void Runtime::tell(std::function<void(Napi::Env)> what) {
  const std::lock_guard lock(mutex_);
  if (is_shut_down_) return;
  told_.push_back(std::move(what));
  const auto call = [this](Napi::Env env, const Napi::Function&) {
    // No environment: it went between the call and this.
    if (static_cast<napi_env>(env) != nullptr) tell_next(env);
  };
  if (listener_.NonBlockingCall(call) != napi_ok) told_.pop_back();
}

void Runtime::tell_next(Napi::Env env) {
  std::function<void(Napi::Env)> what;
  {
    const std::lock_guard lock(mutex_);
    if (told_.empty()) return;
    what = std::move(told_.front());
    told_.pop_front();
  }
  ended(env);
  what(env);
}

void Runtime::take_exit(std::uint32_t run, ExitTaker taker) {
  const std::lock_guard lock(mutex_);
  takers_.insert_or_assign(run, std::move(taker));
}

void Runtime::leave_exit(std::uint32_t run) {
  const std::lock_guard lock(mutex_);
  takers_.erase(run);
}

void Runtime::hear(std::uint32_t run) {
  std::function<void()> told;
  {
    const std::lock_guard lock(mutex_);
    const auto found = takers_.find(run);
    if (found != takers_.end()) told = std::move(found->second.hear);
  }
  if (told) told();
}

void Runtime::deliver(Exit exit) {
  std::function<void(Exit)> take;
  {
    const std::lock_guard lock(mutex_);
    const auto found = takers_.extract(exit.run);
    if (!found.empty()) take = std::move(found.mapped().take);
  }
  if (take) {
    take(std::move(exit));
    return;
  }
  // Shared, as what is called must be copyable (std::function).
  const auto told = std::make_shared<Exit>(std::move(exit));
  tell([this, told](Napi::Env env) { pass_exit(env, on_exit_, *told); });
}

void Runtime::tell_failure(std::uint32_t run, SysError error) {
  tell([this, run, failure = std::move(error)](Napi::Env env) {
    auto object = Napi::Object::New(env);
    object.Set("run", run);
    object.Set("failure", error_to_js(env, failure));
    on_failure_.Call({object});
  });
}

Result<std::shared_ptr<Envelope>> Runtime::open(SharedPlan plan, const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (is_shut_down_)
      return SysError{.step = "open", .syscall = "open", .err = ECANCELED, .path = {}, .dest = {}, .detail = {}};
    opening_ += 1;
  }
  auto opened = caught("open", [&] { return system_->open(std::move(plan), id, waiter_); });
  const std::lock_guard lock(mutex_);
  opening_ -= 1;
  opened_.notify_all();
  if (!opened) return std::move(opened.error());
  std::shared_ptr<Envelope> envelope = std::move(*opened);
  envelopes_.insert(envelope);
  return envelope;
}

CloseReport Runtime::close(const std::shared_ptr<Envelope>& envelope) {
  auto report = envelope->close();
  if (report.failures.empty()) {
    const std::lock_guard lock(mutex_);
    envelopes_.erase(envelope);
    if (envelopes_.empty()) ready_ends_.drop();
  }
  return report;
}

void Runtime::make_ends_ready() {
  auto made = ReadyEnds::make();
  const std::lock_guard lock(mutex_);
  if (made && !envelopes_.empty()) ready_ends_.keep(std::move(*made));
}

void Runtime::shut_down() {
  std::set<std::shared_ptr<Envelope>> left;
  {
    std::unique_lock lock(mutex_);
    is_shut_down_ = true;
    opened_.wait(lock, [this] { return opening_ == 0; });
    left.swap(envelopes_);
    ready_ends_.drop();
  }
  for (const auto& envelope : left) static_cast<void>(envelope->close());
  left.clear();
  threads_.stop();
  closing_threads_.stop();
  system_->shut_down();
  if (!waiter_ || is_listener_gone_) return;
  waiter_->stop();
  listener_.Abort();
  on_exit_.Reset();
  on_failure_.Reset();
  make_exit_.Reset();
  takers_.clear();
  told_.clear();
  kept_.clear();
  is_listener_gone_ = true;
}

}  // namespace buildjail
