#include "binding/system_calls_freebsd.h"

#include <cstdint>
#include <span>
#include <string>

#include "binding/system_calls.h"

namespace buildjail {

IovecList iovecs_from_js(const Napi::Value& value) {
  const auto pairs = value.As<Napi::Array>();
  IovecList list;
  bool has_errmsg = false;
  for (std::uint32_t i = 0; i < pairs.Length(); ++i) {
    const auto pair = static_cast<Napi::Value>(pairs[i]).As<Napi::Array>();
    const std::string name = static_cast<Napi::Value>(pair[0U]).As<Napi::String>().Utf8Value();
    const Napi::Value content = pair[1U];
    has_errmsg |= name == "errmsg";
    if (content.IsNull()) {
      list.add_flag(name);
    } else {
      const auto bytes = content.As<Napi::Uint8Array>();
      list.add_bytes(name, std::as_bytes(std::span(bytes.Data(), bytes.ByteLength())));
    }
  }
  if (!has_errmsg) list.add_errmsg();
  return list;
}

void export_system_calls(Napi::Env env, Napi::Object exports) {
  auto calls = Napi::Object::New(env);
  add_jail_calls(env, calls);
  add_mount_calls(env, calls);
  add_devfs_calls(env, calls);
  add_kernel_calls(env, calls);
  exports.Set("freebsd", calls);
}

}  // namespace buildjail
