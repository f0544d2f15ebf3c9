#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "binding/runtime.h"

namespace buildjail {

/** An envelope that was opened, and whose. */
struct OpenedEnvelope {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<Envelope> envelope;
  std::string id;
};

/** NativeEnvelope of src/native/binding.ts. */
class EnvelopeWrap final : public Napi::ObjectWrap<EnvelopeWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  /** Takes an External of an OpenedEnvelope. */
  explicit EnvelopeWrap(const Napi::CallbackInfo& info);

  [[nodiscard]] const std::shared_ptr<Envelope>& envelope() const noexcept { return opened_.envelope; }

 private:
  Napi::Value trace(const Napi::CallbackInfo& info);
  Napi::Value keep(const Napi::CallbackInfo& info);
  Napi::Value kill_all(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value record(const Napi::CallbackInfo& info);
  Napi::Value usage(const Napi::CallbackInfo& info);

  OpenedEnvelope opened_;
};

}  // namespace buildjail
