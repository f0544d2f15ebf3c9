#include "binding/iovecs_from_js_freebsd.h"

#include <cstdint>
#include <span>
#include <string>

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

}  // namespace buildjail
