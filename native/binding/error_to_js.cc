#include "binding/error_to_js.h"

#include <string>
#include <utility>

namespace buildjail {

Napi::Value error_to_js(Napi::Env env, const SysError& error) {
  const std::string name = errno_name(error.err);
  const std::string reason = errno_text(error.err);
  auto failure = Napi::Error::New(env, name + ": " + reason + ", " + error.syscall).Value();
  failure.Set("code", name);
  // Negative, as in Node's own errors.
  failure.Set("errno", -error.err);
  failure.Set("syscall", error.syscall);
  failure.Set("step", error.step);
  failure.Set("reason", reason);
  for (const auto& [key, value] : {std::pair{"path", &error.path}, {"dest", &error.dest}, {"detail", &error.detail}}) {
    if (!value->empty()) failure.Set(key, *value);
  }
  return failure;
}

}  // namespace buildjail
