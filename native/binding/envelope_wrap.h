#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "binding/handover.h"
#include "binding/prepared_launch.h"
#include "binding/runtime.h"

namespace buildjail {

/** An envelope that was opened, and whose. */
struct OpenedEnvelope {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<Envelope> envelope;
  std::string id;

  /** On a worker thread; a failure is told of as the run's as well. */
  Result<pid_t> launch(PreparedLaunch prepared) const;
};

/** NativeEnvelope of src/native/binding.ts. */
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

  void refuse_when_ended(Napi::Env env) const;
  /** Makes ready what a thread was woken up for. */
  Napi::Value give(Napi::Env env, ComingLaunch& coming, std::span<const std::byte> packed);

  OpenedEnvelope opened_;
};

}  // namespace buildjail
