#include "binding/runtime.h"

namespace buildjail {

void export_system_calls(Napi::Env, Napi::Object) {}

}  // namespace buildjail
