#pragma once

#include <napi.h>

namespace buildjail {

// Each adds its own to the object that is NativeFreebsd of src/native/freebsd.ts.

void add_jail_calls(Napi::Env env, Napi::Object& calls);
void add_mount_calls(Napi::Env env, Napi::Object& calls);
void add_devfs_calls(Napi::Env env, Napi::Object& calls);
void add_rctl_calls(Napi::Env env, Napi::Object& calls);
void add_kernel_calls(Napi::Env env, Napi::Object& calls);

}  // namespace buildjail
