#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "binding/error_to_js.h"
#include "binding/runtime.h"

namespace buildjail {

/**
 * Runs `work` on one of the runtime's threads for what may have to wait, and settles a promise with it: through `to_js`
 * when it has a value, which is called on the JavaScript thread, else with its error. `to_js` is told of that too, and
 * what it gives then is not used. The runtime must have been started.
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
