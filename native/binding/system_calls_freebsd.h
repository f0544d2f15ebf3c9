#pragma once

#include <napi.h>

#include "freebsd/iovec_list.h"

namespace buildjail {

// Each adds its own to the object that is NativeFreebsd of src/native/freebsd.ts.

void add_jail_calls(Napi::Env env, Napi::Object& calls);
void add_mount_calls(Napi::Env env, Napi::Object& calls);
void add_devfs_calls(Napi::Env env, Napi::Object& calls);
void add_kernel_calls(Napi::Env env, Napi::Object& calls);

/** Pairs of a name and bytes, or null; with a place for the kernel's explanation, unless the caller brought one. */
IovecList iovecs_from_js(const Napi::Value& value);

}  // namespace buildjail
