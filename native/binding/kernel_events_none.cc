#include "binding/kernel_events.h"

namespace buildjail {

void export_kernel_events(Napi::Env, Napi::Object, const std::shared_ptr<Runtime>&) {}

}  // namespace buildjail
