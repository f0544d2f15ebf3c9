#include "binding/to_js.h"

#include <sys/wait.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/signals.h"

namespace buildjail {

namespace {

Napi::Value parameter_to_js(Napi::Env env, const ParameterValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return Napi::Boolean::New(env, *flag);
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return Napi::Number::New(env, static_cast<double>(*number));
  if (const auto* text = std::get_if<std::string>(&value)) return Napi::String::New(env, *text);
  return strings_to_js(env, std::get<std::vector<std::string>>(value));
}

Napi::Object credentials_to_js(Napi::Env env, const Credentials& who) {
  auto object = Napi::Object::New(env);
  object.Set("pid", who.pid);
  object.Set("uid", who.uid);
  object.Set("realUid", who.real_uid);
  object.Set("savedUid", who.saved_uid);
  object.Set("gid", who.gid);
  object.Set("realGid", who.real_gid);
  object.Set("savedGid", who.saved_gid);
  object.Set("groups", list_to_js(env, who.groups, [env](gid_t gid) { return Napi::Number::New(env, gid); }));
  if (who.jid) object.Set("jid", *who.jid);
  if (who.system_call_filters) object.Set("systemCallFilters", *who.system_call_filters);
  return object;
}

Napi::Value map_to_js(Napi::Env env, const std::vector<IdExtent>& map) {
  return list_to_js(env, map, [env](const IdExtent& extent) {
    auto object = Napi::Object::New(env);
    object.Set("inside", extent.inside);
    object.Set("outside", extent.outside);
    object.Set("count", extent.count);
    return object;
  });
}

Napi::Value obstacles_to_js(Napi::Env env, const std::vector<Obstacle>& obstacles) {
  return list_to_js(env, obstacles, [env](const Obstacle& obstacle) {
    auto object = Napi::Object::New(env);
    object.Set("check", obstacle.check);
    object.Set("problem", obstacle.problem);
    object.Set("remedy", obstacle.remedy);
    return object;
  });
}

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

Napi::Object recovered_to_js(Napi::Env env, const RecoveredSession& session) {
  auto object = Napi::Object::New(env);
  object.Set("id", session.id);
  if (!session.name.empty()) object.Set("name", session.name);
  object.Set("pid", session.pid);
  if (!session.taken.jail.empty()) object.Set("jail", session.taken.jail);
  object.Set("unmounted", strings_to_js(env, session.taken.unmounted));
  object.Set("handedBack", strings_to_js(env, session.taken.handed_back));
  object.Set("lost", strings_to_js(env, session.taken.lost));
  return object;
}

Napi::Object leftover_to_js(Napi::Env env, const Leftover& left) {
  auto object = Napi::Object::New(env);
  object.Set("path", left.path);
  object.Set("reason", left.reason);
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
  for (const auto& [key, value] : {std::pair{"path", &error.path},
                                   {"dest", &error.dest},
                                   {"detail", &error.detail},
                                   {"limit", &error.limit},
                                   {"remedy", &error.remedy}}) {
    if (!value->empty()) failure.Set(key, *value);
  }
  if (!error.holders.empty()) failure.Set("holders", holders_to_js(env, error.holders));
  return failure;
}

Napi::Array strings_to_js(Napi::Env env, const std::vector<std::string>& strings) {
  return list_to_js(env, strings, [env](const std::string& text) { return Napi::String::New(env, text); });
}

std::vector<std::string> strings_from_js(const Napi::Array& list) {
  std::vector<std::string> strings;
  strings.reserve(list.Length());
  for (std::uint32_t index = 0; index < list.Length(); ++index) {
    strings.push_back(list.Get(index).As<Napi::String>().Utf8Value());
  }
  return strings;
}

Napi::Value trace_to_js(Napi::Env env, const Trace& trace) {
  return list_to_js(env, trace.entries(), [env](const TraceEntry& entry) {
    auto object = Napi::Object::New(env);
    object.Set("step", entry.step);
    if (!entry.path.empty()) object.Set("path", entry.path);
    object.Set("ns", static_cast<double>(entry.ns));
    return object;
  });
}

Napi::Object job_end_to_js(Napi::Env env, const JobEnd& end) {
  auto object = Napi::Object::New(env);
  const auto set_failure = [&](const char* name, const std::optional<SysError>& error) {
    if (error) object.Set(name, error_to_js(env, *error));
  };
  const auto set_output = [&](const char* name, const std::optional<std::vector<std::byte>>& bytes) {
    if (bytes && !bytes->empty()) object.Set(name, Napi::Buffer<std::byte>::Copy(env, bytes->data(), bytes->size()));
  };
  set_failure("failure", end.failure);
  if (end.opened) object.Set("opened", trace_to_js(env, *end.opened));
  if (end.closed) object.Set("closed", close_report_to_js(env, *end.closed));
  if (!end.exit) return object;
  const auto& [ending, moved] = *end.exit;
  if (WIFEXITED(ending.status)) object.Set("exitCode", WEXITSTATUS(ending.status));
  if (WIFSIGNALED(ending.status)) object.Set("signal", signal_name(WTERMSIG(ending.status)));
  auto usage = Napi::Object::New(env);
  usage.Set("userUs", static_cast<double>(ending.user_us));
  usage.Set("systemUs", static_cast<double>(ending.system_us));
  usage.Set("maxRssBytes", static_cast<double>(ending.max_rss_bytes));
  object.Set("usage", usage);
  if (moved.is_max_buffer) object.Set("isMaxBuffer", true);
  set_output("stdout", moved.output[0]);
  set_output("stderr", moved.output[1]);
  if (end.died) {
    const std::chrono::duration<double, std::milli> since = std::chrono::steady_clock::now() - *end.died;
    object.Set("sinceExitMs", since.count());
  }
  set_failure("inputFailure", moved.input_failure);
  set_failure("outputFailure", moved.output_failure);
  if (end.limit) object.Set("limit", std::string(end.limit->name));
  return object;
}

Napi::Value mounts_to_js(Napi::Env env, const std::vector<MountEntry>& mounts) {
  return list_to_js(env, mounts, [env](const MountEntry& mount) {
    auto object = Napi::Object::New(env);
    object.Set("type", mount.type);
    object.Set("from", mount.from);
    object.Set("on", mount.on);
    object.Set("fsid", mount.fsid);
    object.Set("flags", strings_to_js(env, mount.flags));
    return object;
  });
}

Napi::Value usage_to_js(Napi::Env env, const Result<SessionUsage>& counted) {
  constexpr double kMicroseconds = 1000;
  if (!counted) return env.Undefined();
  const SessionUsage& usage = *counted;
  auto object = Napi::Object::New(env);
  if (usage.cpu_us) object.Set("cpuTime", static_cast<double>(*usage.cpu_us) / kMicroseconds);
  const auto set = [&object](const char* name, const std::optional<std::uint64_t>& value) {
    if (value) object.Set(name, static_cast<double>(*value));
  };
  set("memory", usage.memory);
  set("peakMemory", usage.peak_memory);
  set("swap", usage.swap);
  set("processes", usage.processes);
  set("peakProcesses", usage.peak_processes);
  set("bytesRead", usage.bytes_read);
  set("bytesWritten", usage.bytes_written);
  if (!usage.by.empty()) object.Set("by", usage.by);
  return object;
}

Napi::Value record_to_js(Napi::Env env, const std::string& id, const Record& record) {
  auto object = Napi::Object::New(env);
  object.Set("id", id);
  object.Set("root", record.root);
  if (!record.jail.empty()) {
    auto jail = Napi::Object::New(env);
    for (const auto& [name, value] : record.jail) jail.Set(name, parameter_to_js(env, value));
    object.Set("jail", jail);
  }
  object.Set("mounts", mounts_to_js(env, record.mounts));
  if (!record.namespaces.empty()) {
    auto namespaces = Napi::Object::New(env);
    for (const auto& [kind, number] : record.namespaces) namespaces.Set(kind, static_cast<double>(number));
    object.Set("namespaces", namespaces);
  }
  if (!record.uids.empty()) {
    auto ids = Napi::Object::New(env);
    ids.Set("users", map_to_js(env, record.uids));
    ids.Set("groups", map_to_js(env, record.gids));
    object.Set("ids", ids);
  }
  if (record.user) {
    auto user = Napi::Object::New(env);
    user.Set("uid", record.user->uid);
    user.Set("gid", record.user->gid);
    user.Set("groups", list_to_js(env, record.user->groups, [env](gid_t gid) { return Napi::Number::New(env, gid); }));
    object.Set("user", user);
  }
  if (record.process) object.Set("process", credentials_to_js(env, *record.process));
  object.Set("limits", list_to_js(env, record.limits, [env](const AppliedLimit& applied) {
               auto limit = Napi::Object::New(env);
               limit.Set("limit", std::string(applied.limit.name));
               limit.Set("value", static_cast<double>(applied.value));
               limit.Set("by", applied.by);
               return limit;
             }));
  return object;
}

Napi::Value close_report_to_js(Napi::Env env, const CloseReport& report) {
  auto object = Napi::Object::New(env);
  object.Set("trace", trace_to_js(env, report.trace));
  object.Set("failures",
             list_to_js(env, report.failures, [env](const SysError& error) { return error_to_js(env, error); }));
  object.Set("leftInOutputs", list_to_js(env, report.taken.left_in_outputs, [env](const LeftInOutput& one) {
               auto left = Napi::Object::New(env);
               left.Set("path", one.path);
               left.Set("what", one.what);
               return left;
             }));
  return object;
}

Napi::Value preflight_to_js(Napi::Env env, const std::vector<Obstacle>& obstacles,
                            const std::vector<Obstacle>& limitations) {
  auto found = Napi::Object::New(env);
  found.Set("obstacles", obstacles_to_js(env, obstacles));
  found.Set("limitations", obstacles_to_js(env, limitations));
  return found;
}

Napi::Value recovery_report_to_js(Napi::Env env, const Result<RecoveryReport>& report) {
  auto object = Napi::Object::New(env);
  object.Set("recovered",
             list_to_js(env, report->recovered, [env](const auto& one) { return recovered_to_js(env, one); }));
  object.Set("leftAlone",
             list_to_js(env, report->leftovers, [env](const auto& one) { return leftover_to_js(env, one); }));
  return object;
}

Napi::Value session_list_to_js(Napi::Env env, const Result<std::vector<ListedSession>>& sessions) {
  if (!sessions) return env.Undefined();
  return list_to_js(env, *sessions, [env](const auto& one) { return listed_to_js(env, one); });
}

}  // namespace buildjail
