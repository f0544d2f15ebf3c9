#pragma once

#include <napi.h>

#include <cstddef>
#include <span>

namespace buildjail {

/** What src/native/wire-plan.ts and wire-job.ts packed; there as long as the value is. */
inline std::span<const std::byte> bytes_from_js(const Napi::Value& value) {
  const auto bytes = value.As<Napi::Uint8Array>();
  return std::as_bytes(std::span(bytes.Data(), bytes.ByteLength()));
}

}  // namespace buildjail
