#pragma once

#include <napi.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "binding/runtime.h"

namespace buildjail {

/** An envelope that was opened, and whose. */
struct OpenedEnvelope {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<Envelope> envelope;
  std::string id;
};

/** NativeEnvelope of src/native.ts. */
class EnvelopeWrap final : public Napi::ObjectWrap<EnvelopeWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  /** Takes an External of an OpenedEnvelope. */
  explicit EnvelopeWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value trace(const Napi::CallbackInfo& info);
  Napi::Value complete(const Napi::CallbackInfo& info);
  Napi::Value launch(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value complete_and_run(const Napi::CallbackInfo& info);
  Napi::Value kill(const Napi::CallbackInfo& info);
  Napi::Value kill_all(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value record(const Napi::CallbackInfo& info);

  std::pair<LaunchRequest, StdioEnds> prepare_launch(const Napi::CallbackInfo& info, std::size_t argument = 0);
  std::function<Result<pid_t>()> launching(LaunchRequest request, StdioEnds ends);

  OpenedEnvelope opened_;
};

}  // namespace buildjail
