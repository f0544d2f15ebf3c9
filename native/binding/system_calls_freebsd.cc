#include "binding/system_calls_freebsd.h"

#include "binding/system_calls.h"

namespace buildjail {

void export_system_calls(Napi::Env env, Napi::Object exports) {
  auto calls = Napi::Object::New(env);
  add_jail_calls(env, calls);
  add_mount_calls(env, calls);
  add_devfs_calls(env, calls);
  add_rctl_calls(env, calls);
  add_kernel_calls(env, calls);
  exports.Set("freebsd", calls);
}

}  // namespace buildjail
