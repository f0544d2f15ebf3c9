#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "binding/runtime.h"
#include "plan/plan.h"

namespace buildjail {

/** The bytes that src/native/wire-plan.ts or wire-job.ts packed. They live as long as the value. */
inline std::span<const std::byte> bytes_from_js(const Napi::Value& value) {
  const auto bytes = value.As<Napi::Uint8Array>();
  return std::as_bytes(std::span(bytes.Data(), bytes.ByteLength()));
}

/** NativePlan of src/native/binding.ts: a plan as native code has read it. */
class PlanWrap final : public Napi::ObjectWrap<PlanWrap> {
 public:
  /** Its one argument is the packed plan. */
  static Napi::Function define(Napi::Env env);
  explicit PlanWrap(const Napi::CallbackInfo& info);

  [[nodiscard]] const SharedPlan& plan() const noexcept { return plan_; }

 private:
  SharedPlan plan_;
};

/** An envelope that was opened, and the runtime that it belongs to. */
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
