#include "binding/to_js.h"

#include <sys/wait.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/signals.h"

namespace buildjail {

namespace {

Napi::Value jail_value_to_js(Napi::Env env, const JailValue& value) {
  auto entry = Napi::Array::New(env);
  entry.Set(0U, value.name);
  entry.Set(1U, std::string(value.type));
  entry.Set(2U, Napi::Buffer<std::byte>::Copy(env, value.bytes.data(), value.bytes.size()));
  return entry;
}

Napi::Value credentials_to_js(Napi::Env env, const Credentials& who) {
  return object_to_js(env, Member{"pid", who.pid}, Member{"uid", who.uid}, Member{"realUid", who.real_uid},
                      Member{"savedUid", who.saved_uid}, Member{"gid", who.gid}, Member{"realGid", who.real_gid},
                      Member{"savedGid", who.saved_gid}, Member{"groups", list_to_js(env, who.groups)},
                      Member{"jid", who.jid}, Member{"systemCallFilters", who.system_call_filters});
}

Napi::Value extent_to_js(Napi::Env env, const IdExtent& extent) {
  return object_to_js(env, Member{"inside", extent.inside}, Member{"outside", extent.outside},
                      Member{"count", extent.count});
}

Napi::Value holder_to_js(Napi::Env env, const Holder& holder) {
  const auto pid = holder.pid == 0 ? std::nullopt : std::optional(holder.pid);
  return object_to_js(env, Member{"kind", holder.kind}, Member{"pid", pid}, Member{"command", if_any(holder.command)},
                      Member{"path", if_any(holder.path)}, Member{"call", if_any(holder.call)});
}

Napi::Value recovered_to_js(Napi::Env env, const RecoveredSession& session) {
  const TakenAway& taken = session.taken;
  return object_to_js(env, Member{"id", session.id}, Member{"name", if_any(session.name)}, Member{"pid", session.pid},
                      Member{"jail", if_any(taken.jail)}, Member{"unmounted", list_to_js(env, taken.unmounted)},
                      Member{"handedBack", list_to_js(env, taken.handed_back)},
                      Member{"lost", list_to_js(env, taken.lost)});
}

Napi::Value leftover_to_js(Napi::Env env, const Leftover& left) {
  return object_to_js(env, Member{"path", left.path}, Member{"reason", left.reason});
}

Napi::Value left_in_output_to_js(Napi::Env env, const LeftInOutput& left) {
  return object_to_js(env, Member{"path", left.path}, Member{"what", left.what});
}

Napi::Value step_to_js(Napi::Env env, const TraceEntry& entry) {
  return object_to_js(env, Member{"step", entry.step}, Member{"path", if_any(entry.path)}, Member{"ns", entry.ns});
}

Napi::Value limit_to_js(Napi::Env env, const AppliedLimit& applied) {
  return object_to_js(env, Member{"limit", std::string(applied.limit.name)}, Member{"value", applied.value},
                      Member{"by", applied.by});
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
  if (!error.holders.empty()) failure.Set("holders", list_to_js(env, error.holders, holder_to_js));
  return failure;
}

Napi::Value trace_to_js(Napi::Env env, const Trace& trace) { return list_to_js(env, trace.entries(), step_to_js); }

namespace {

Napi::Value captured_to_js(Napi::Env env, CapturedBytes& captured) {
  const auto bytes = captured.bytes();
  auto pages = std::make_unique<Pages>(captured.take_pages());
  if (!*pages) return Napi::Buffer<std::byte>::Copy(env, bytes.data(), bytes.size());
  const auto let_go = [](Napi::Env, std::byte*, Pages* held) { const std::unique_ptr<Pages> owned(held); };
  return Napi::Buffer<std::byte>::NewOrCopy(env, bytes.data(), bytes.size(), let_go, pages.release());
}

}  // namespace

Napi::Object job_end_to_js(Napi::Env env, JobEnd& end) {
  auto object = Napi::Object::New(env);
  const auto set_failure = [&](const char* name, const std::optional<SysError>& error) {
    if (error) object.Set(name, error_to_js(env, *error));
  };
  const auto set_output = [&](const char* name, std::optional<CapturedBytes>& captured) {
    if (captured && !captured->empty()) object.Set(name, captured_to_js(env, *captured));
  };
  set_failure("failure", end.failure);
  if (end.opened) object.Set("opened", trace_to_js(env, *end.opened));
  if (end.closed) object.Set("closed", close_report_to_js(env, *end.closed));
  if (!end.exit) return object;
  auto& [ending, moved] = *end.exit;
  if (WIFEXITED(ending.status)) object.Set("exitCode", WEXITSTATUS(ending.status));
  if (WIFSIGNALED(ending.status)) object.Set("signal", signal_name(WTERMSIG(ending.status)));
  object.Set("usage", object_to_js(env, Member{"userUs", ending.user_us}, Member{"systemUs", ending.system_us},
                                   Member{"maxRssBytes", ending.max_rss_bytes}));
  if (moved.is_max_buffer) object.Set("isMaxBuffer", true);
  set_output("stdout", moved.output[0]);
  set_output("stderr", moved.output[1]);
  if (end.died) {
    const std::chrono::duration<double, std::milli> since = std::chrono::steady_clock::now() - *end.died;
    object.Set("sinceExitMs", since.count());
  }
  set_failure("inputFailure", moved.files.input_failure);
  set_failure("outputFailure", moved.files.output_failure);
  if (const auto& last = moved.files.last_of_stderr)
    object.Set("lastOfStderr", Napi::Buffer<std::byte>::Copy(env, last->bytes().data(), last->bytes().size()));
  if (end.limit) object.Set("limit", std::string(end.limit->name));
  return object;
}

Napi::Value mount_to_js(Napi::Env env, const MountEntry& mount) {
  return object_to_js(env, Member{"type", mount.type}, Member{"from", mount.from}, Member{"on", mount.on},
                      Member{"fsid", mount.fsid}, Member{"flags", list_to_js(env, mount.flags)});
}

Napi::Value usage_to_js(Napi::Env env, const SessionUsage& usage) {
  constexpr double kMicroseconds = 1000;
  std::optional<double> cpu_time;
  if (usage.cpu_us) cpu_time = static_cast<double>(*usage.cpu_us) / kMicroseconds;
  return object_to_js(env, Member{"cpuTime", cpu_time}, Member{"memory", usage.memory},
                      Member{"peakMemory", usage.peak_memory}, Member{"swap", usage.swap},
                      Member{"processes", usage.processes}, Member{"peakProcesses", usage.peak_processes},
                      Member{"bytesRead", usage.bytes_read}, Member{"bytesWritten", usage.bytes_written},
                      Member{"by", if_any(usage.by)});
}

Napi::Value process_to_js(Napi::Env env, const SessionProcess& process) {
  constexpr double kMicroseconds = 1000;
  return object_to_js(
      env, Member{"pid", process.pid}, Member{"parent", process.parent}, Member{"program", process.program},
      Member{"ageMs", static_cast<double>(process.age_us) / kMicroseconds},
      Member{"cpuTime", static_cast<double>(process.cpu_us) / kMicroseconds}, Member{"memory", process.memory});
}

Napi::Value record_to_js(Napi::Env env, const std::string& id, const Record& record) {
  auto object = object_to_js(env, Member{"id", id}, Member{"root", record.root});
  if (!record.jail.empty()) object.Set("jail", list_to_js(env, record.jail, jail_value_to_js));
  object.Set("mounts", list_to_js(env, record.mounts, mount_to_js));
  if (!record.namespaces.empty()) {
    auto namespaces = Napi::Object::New(env);
    for (const auto& [kind, number] : record.namespaces) namespaces.Set(kind, number);
    object.Set("namespaces", namespaces);
  }
  if (!record.uids.empty()) {
    object.Set("ids", object_to_js(env, Member{"users", list_to_js(env, record.uids, extent_to_js)},
                                   Member{"groups", list_to_js(env, record.gids, extent_to_js)}));
  }
  object.Set("mappedOutputs", list_to_js(env, record.mapped_outputs));
  if (const auto& user = record.user) {
    object.Set("user", object_to_js(env, Member{"uid", user->uid}, Member{"gid", user->gid},
                                    Member{"groups", list_to_js(env, user->groups)}));
  }
  if (record.process) object.Set("process", credentials_to_js(env, *record.process));
  object.Set("limits", list_to_js(env, record.limits, limit_to_js));
  return object;
}

Napi::Value close_report_to_js(Napi::Env env, const CloseReport& report) {
  return object_to_js(env, Member{"steps", trace_to_js(env, report.trace)},
                      Member{"failures", list_to_js(env, report.failures, error_to_js)},
                      Member{"leftInOutputs", list_to_js(env, report.taken.left_in_outputs, left_in_output_to_js)});
}

Napi::Value obstacle_to_js(Napi::Env env, const Obstacle& obstacle) {
  return object_to_js(env, Member{"check", obstacle.check}, Member{"problem", obstacle.problem},
                      Member{"remedy", obstacle.remedy});
}

Napi::Value recovery_report_to_js(Napi::Env env, const RecoveryReport& report) {
  return object_to_js(env, Member{"recovered", list_to_js(env, report.recovered, recovered_to_js)},
                      Member{"leftAlone", list_to_js(env, report.leftovers, leftover_to_js)});
}

Napi::Value network_event_to_js(Napi::Env env, const NetworkEvent& event) {
  const bool is_connection = event.kind == NetworkEvent::Kind::kConnection;
  const std::string kind = is_connection ? "connection" : "refused";
  const std::string outcome(event.outcome);
  const auto number = [](bool is_there, auto value) {
    return is_there ? std::optional(static_cast<double>(value)) : std::nullopt;
  };
  return object_to_js(env, Member{"kind", kind}, Member{"name", event.name}, Member{"port", event.port},
                      Member{"address", if_any(event.address)}, Member{"sent", number(is_connection, event.sent)},
                      Member{"received", number(is_connection, event.received)},
                      Member{"durationMs", number(is_connection, event.duration_ms)}, Member{"outcome", outcome},
                      Member{"count", number(!is_connection, event.count)});
}

Napi::Value listed_to_js(Napi::Env env, const ListedSession& session) {
  const auto& [entry, is_live, root, jid] = session;
  return object_to_js(env, Member{"id", entry.id}, Member{"name", if_any(entry.name)}, Member{"pid", entry.pid},
                      Member{"startedMs", entry.started_ms}, Member{"isLive", is_live}, Member{"root", if_any(root)},
                      Member{"jid", jid});
}

}  // namespace buildjail
