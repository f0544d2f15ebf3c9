#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "binding/runtime.h"
#include "binding/to_js.h"

namespace buildjail {

/**
 * Runs `work`, which may wait, on one of the runtime's threads, and settles a promise with its value or its error. This
 * is the only way from JavaScript onto a thread, except for jobs. `to_js(env, result)` makes the value, on the
 * JavaScript thread; it is called for an error as well, and its value is not used then. The runtime must have been
 * started.
 */
template <class T, class Work, class ToJs>
Napi::Promise promise(Napi::Env env, const std::shared_ptr<Runtime>& runtime, Work work, ToJs to_js) {
  struct State {
    Napi::Promise::Deferred deferred;
    Work work;
    ToJs to_js;
    std::optional<Result<T>> result;
  };
  auto state = std::make_shared<State>(
      State{Napi::Promise::Deferred::New(env), std::move(work), std::move(to_js), std::nullopt});
  auto settle = [state](Napi::Env at) {
    // First, as what it makes may be told by it too.
    Napi::Value value = state->to_js(at, *state->result);
    if (*state->result) {
      state->deferred.Resolve(value);
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
