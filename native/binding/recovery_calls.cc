#include "binding/recovery_calls.h"

#include <string>
#include <utility>
#include <vector>

#include "binding/pool_promise.h"
#include "binding/to_js.h"
#include "state/recovery.h"

namespace buildjail {

namespace {

Napi::Object recovered_to_js(Napi::Env env, const RecoveredSession& session) {
  auto object = Napi::Object::New(env);
  object.Set("id", session.id);
  if (!session.name.empty()) object.Set("name", session.name);
  object.Set("pid", session.pid);
  if (!session.jail.empty()) object.Set("jail", session.jail);
  object.Set("unmounted", strings_to_js(env, session.unmounted));
  object.Set("handedBack", strings_to_js(env, session.handed_back));
  object.Set("lost", strings_to_js(env, session.lost));
  return object;
}

Napi::Object left_alone_to_js(Napi::Env env, const LeftAlone& left) {
  auto object = Napi::Object::New(env);
  object.Set("path", left.path);
  object.Set("reason", left.reason);
  return object;
}

Napi::Value report_to_js(Napi::Env env, const Result<RecoveryReport>& report) {
  auto object = Napi::Object::New(env);
  object.Set("recovered",
             list_to_js(env, report->recovered, [env](const auto& one) { return recovered_to_js(env, one); }));
  object.Set("leftAlone",
             list_to_js(env, report->left_alone, [env](const auto& one) { return left_alone_to_js(env, one); }));
  return object;
}

Napi::Object listed_to_js(Napi::Env env, const ListedSession& session) {
  const auto& [entry, is_live, root, jid] = session;
  auto object = Napi::Object::New(env);
  object.Set("id", entry.id);
  if (!entry.name.empty()) object.Set("name", entry.name);
  object.Set("pid", entry.pid);
  object.Set("startedMs", static_cast<double>(entry.started_ms));
  object.Set("isLive", is_live);
  if (!root.empty()) object.Set("root", root);
  if (jid) object.Set("jid", *jid);
  return object;
}

}  // namespace

Napi::Value recover_call(const Napi::CallbackInfo& info, std::shared_ptr<Runtime> runtime) {
  auto work = [runtime = std::move(runtime), state_directory = info[0].As<Napi::String>().Utf8Value()] {
    return Result<RecoveryReport>(runtime->jobs().system().recover(state_directory));
  };
  return run_on_worker<RecoveryReport>(info.Env(), std::move(work), report_to_js);
}

Napi::Value list_sessions_call(const Napi::CallbackInfo& info, std::shared_ptr<Runtime> runtime) {
  auto work = [runtime = std::move(runtime), state_directory = info[0].As<Napi::String>().Utf8Value()] {
    return runtime->jobs().system().list(state_directory);
  };
  auto to_js = [](Napi::Env env, const Result<std::vector<ListedSession>>& sessions) -> Napi::Value {
    if (!sessions) return env.Undefined();
    return list_to_js(env, *sessions, [env](const auto& one) { return listed_to_js(env, one); });
  };
  return run_on_worker<std::vector<ListedSession>>(info.Env(), std::move(work), std::move(to_js));
}

}  // namespace buildjail
