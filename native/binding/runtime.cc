#include "binding/runtime.h"

#include <cerrno>
#include <utility>

#include "binding/to_js.h"

namespace buildjail {

Status Runtime::start(Napi::Env env, const Napi::Function& listener) {
  auto waiter = ExitWaiter::start([this](Exit exit) { deliver(std::move(exit)); });
  if (!waiter) return std::move(waiter.error());
  listener_ = Napi::ThreadSafeFunction::New(env, listener, "buildjail exits", 0, 1);
  listener_.Unref(env);
  waiter_ = std::move(*waiter);
  return {};
}

// What was under way when the environment began to go still ends on its thread, and finds the listener freed.
void Runtime::run_began(Napi::Env env) {
  if (runs_++ == 0 && !is_listener_gone_) listener_.Ref(env);
}

void Runtime::run_ended(Napi::Env env) {
  if (--runs_ == 0 && !is_listener_gone_) listener_.Unref(env);
}

void Runtime::release_descriptor(int fd) {
  const auto kept = kept_.extract(fd);
  if (!kept.empty()) static_cast<void>(kept.mapped().release());
}

void Runtime::deliver(Exit exit) {
  const std::lock_guard lock(mutex_);
  if (is_shut_down_) return;
  auto told = std::make_unique<Exit>(std::move(exit));
  const auto call = [this](Napi::Env env, Napi::Function listener, Exit* data) {
    const std::unique_ptr<Exit> owned(data);
    // No environment: it went between the call and this.
    if (static_cast<napi_env>(env) == nullptr) return;
    run_ended(env);
    listener.Call({exit_to_js(env, *owned)});
  };
  if (listener_.NonBlockingCall(told.get(), call) != napi_ok) return;
  [[maybe_unused]] const Exit* const handed_over = told.release();
}

Result<std::shared_ptr<Envelope>> Runtime::open(EnvelopePlan plan, const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (is_shut_down_)
      return SysError{.step = "open", .syscall = "open", .err = ECANCELED, .path = {}, .dest = {}, .detail = {}};
    opening_ += 1;
  }
  auto opened = system_->open(std::move(plan), id, waiter_);
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
  }
  return report;
}

void Runtime::shut_down() {
  std::set<std::shared_ptr<Envelope>> left;
  {
    std::unique_lock lock(mutex_);
    is_shut_down_ = true;
    opened_.wait(lock, [this] { return opening_ == 0; });
    left.swap(envelopes_);
  }
  for (const auto& envelope : left) static_cast<void>(envelope->close());
  left.clear();
  system_->shut_down();
  if (!waiter_ || is_listener_gone_) return;
  waiter_->stop();
  listener_.Abort();
  kept_.clear();
  is_listener_gone_ = true;
}

}  // namespace buildjail
