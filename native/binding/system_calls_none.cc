#include "binding/system_calls.h"

namespace buildjail {

void export_system_calls(Napi::Env, Napi::Object) {}

void export_kernel_events(Napi::Env, Napi::Object, const std::shared_ptr<Runtime>&) {}

}  // namespace buildjail
