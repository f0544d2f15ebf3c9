#include "binding/runtime.h"

namespace buildjail {

Status Runtime::start(Napi::Env env, const Napi::Function& on_started, const Napi::Function& on_ended,
                      const Napi::Function& on_network, WrapEnvelope wrap) {
  if (auto status = jobs_.start(); !status) return status;
  on_started_ = Napi::Persistent(on_started);
  on_ended_ = Napi::Persistent(on_ended);
  on_network_ = Napi::Persistent(on_network);
  wrap_ = std::move(wrap);
  listener_ = Napi::ThreadSafeFunction::New(env, on_ended, "buildjail", 0, 1);
  listener_.Unref(env);
  return {};
}

void Runtime::refuse_unless_listening(Napi::Env env) const {
  if (!is_started()) throw Napi::Error::New(env, "there is no listener");
  if (is_ended()) throw Napi::Error::New(env, "the environment has ended");
}

// Work that was under way when the environment began to go still ends on its thread, and finds the listener freed.
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

// Calls are kept here and not handed to the listener, because a listener that is aborted does not give them back.
void Runtime::tell_more(std::function<void(Napi::Env)> what) {
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
  std::function<void(Napi::Env)> told;
  {
    const std::lock_guard lock(mutex_);
    if (told_.empty()) return;
    told = std::move(told_.front());
    told_.pop_front();
  }
  told(env);
}

void Runtime::tell_started(std::uint32_t job, pid_t pid) {
  tell_more([this, job, pid](Napi::Env env) {
    on_started_.Call({Napi::Number::New(env, job), Napi::Number::New(env, pid)});
  });
}

void Runtime::tell_ended(JobEnd end) {
  // Shared, as what is called must be copyable (std::function).
  tell([this, told = std::make_shared<JobEnd>(std::move(end))](Napi::Env env) {
    Napi::Object object = job_end_to_js(env, *told);
    if (told->envelope) object.Set("envelope", wrap_(env, told->envelope, told->id));
    on_ended_.Call({Napi::Number::New(env, told->number), object});
  });
}

void Runtime::tell_network(const std::string& session, std::vector<NetworkEvent> events,
                           std::shared_ptr<void> until_told) {
  // Shared, as what is called must be copyable.
  tell_more([this, session, told = std::make_shared<std::vector<NetworkEvent>>(std::move(events)),
             until_told = std::move(until_told)](Napi::Env env) {
    on_network_.Call({Napi::String::New(env, session), list_to_js(env, *told, network_event_to_js)});
  });
}

void Runtime::shut_down() {
  {
    const std::lock_guard lock(mutex_);
    is_shut_down_ = true;
  }
  const bool was_started = is_started();
  // Before the listener, because they hold it.
  tellers_.clear();
  jobs_.shut_down();
  if (!was_started || is_listener_gone_) return;
  listener_.Abort();
  on_started_.Reset();
  on_ended_.Reset();
  on_network_.Reset();
  wrap_ = {};
  told_.clear();
  kept_.clear();
  is_listener_gone_ = true;
}

}  // namespace buildjail
