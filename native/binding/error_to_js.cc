#include "binding/error_to_js.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace buildjail {

namespace {

Napi::Array holders_to_js(Napi::Env env, const std::vector<Holder>& holders) {
  auto list = Napi::Array::New(env, holders.size());
  std::uint32_t index = 0;
  for (const auto& holder : holders) {
    auto object = Napi::Object::New(env);
    object.Set("kind", holder.kind);
    if (holder.pid != 0) object.Set("pid", holder.pid);
    if (!holder.command.empty()) object.Set("command", holder.command);
    if (!holder.path.empty()) object.Set("path", holder.path);
    list.Set(index++, object);
  }
  return list;
}

}  // namespace

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
  if (!error.holders.empty()) failure.Set("holders", holders_to_js(env, error.holders));
  return failure;
}

}  // namespace buildjail
