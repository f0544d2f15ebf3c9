#pragma once

#include <napi.h>

#include "plan/plan.h"

namespace buildjail {

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

}  // namespace buildjail
