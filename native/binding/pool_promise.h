#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "binding/error_to_js.h"

namespace buildjail {

/**
 * Runs `work` on a worker thread and settles a promise with it: through `to_js` when it has a value, which is called on
 * the JavaScript thread, else with its error.
 */
template <class T, class Work, class ToJs>
class PromiseWorker final : public Napi::AsyncWorker {
 public:
  PromiseWorker(Napi::Env env, Work work, ToJs to_js)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        to_js_(std::move(to_js)) {}

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { result_.emplace(work_()); }

  void OnOK() override {
    const Napi::Env env = Env();
    Result<T>& result = *result_;
    // First, as what it makes may be told by it too.
    Napi::Value value = to_js_(env, result);
    if (result) {
      deferred_.Resolve(value);
    } else {
      deferred_.Reject(error_to_js(env, result.error()));
    }
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Work work_;
  ToJs to_js_;
  std::optional<Result<T>> result_;
};

/** `to_js(env, result)` is called for a value and for an error; what it gives for an error is not used. */
template <class T, class Work, class ToJs>
Napi::Promise run_on_worker(Napi::Env env, Work work, ToJs to_js) {
  auto worker = std::make_unique<PromiseWorker<T, Work, ToJs>>(env, std::move(work), std::move(to_js));
  auto promise = worker->promise();
  // It deletes itself when it is done (Napi::AsyncWorker).
  worker.release()->Queue();
  return promise;
}

}  // namespace buildjail
