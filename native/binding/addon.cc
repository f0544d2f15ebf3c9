#include <napi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/signals.h"
#include "binding/runtime.h"
#include "binding/to_js.h"
#include "envelope/keep.h"
#include "plan/look.h"
#include "state/files.h"
#include "state/recovery.h"

namespace buildjail {

namespace {

/** The bytes that src/native/wire-plan.ts or wire-job.ts packed. They live as long as the value. */
std::span<const std::byte> bytes_from_js(const Napi::Value& value) {
  const auto bytes = value.As<Napi::Uint8Array>();
  return std::as_bytes(std::span(bytes.Data(), bytes.ByteLength()));
}

/** NativeKeepPlace of src/native/binding.ts. */
KeepPlace place_from_js(const Napi::Object& object) {
  const auto text = [&](const char* name) { return string_from_js(object.Get(name)); };
  const auto number = [&](const char* name) {
    bool is_whole = false;
    return object.Get(name).As<Napi::BigInt>().Uint64Value(&is_whole);
  };
  return {.folder = text("folder"),
          .dev = number("dev"),
          .ino = number("ino"),
          .missing = text("missing"),
          .id = text("id")};
}

/** NativePlan of src/native/binding.ts: a plan as native code has read it. */
class PlanWrap final : public Napi::ObjectWrap<PlanWrap> {
 public:
  /** Its one argument is the packed plan. */
  explicit PlanWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PlanWrap>(info) {
    auto plan = read_plan(bytes_from_js(info[0]));
    if (!plan) throw Napi::Error(info.Env(), error_to_js(info.Env(), plan.error()));
    plan_ = std::make_shared<const EnvelopePlan>(std::move(*plan));
  }
  static Napi::Function define(Napi::Env env) { return DefineClass(env, "NativePlan", {}); }

  [[nodiscard]] const SharedPlan& plan() const noexcept { return plan_; }

 private:
  SharedPlan plan_;
};

/** An envelope that was opened, and the runtime that it belongs to. */
struct OpenedEnvelope {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<Envelope> envelope;
  std::string id;
};

/** NativeEnvelope of src/native/binding.ts. */
class EnvelopeWrap final : public Napi::ObjectWrap<EnvelopeWrap> {
 public:
  /** Takes an External of an OpenedEnvelope. */
  explicit EnvelopeWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EnvelopeWrap>(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "made by a job only");
    opened_ = *info[0].As<Napi::External<OpenedEnvelope>>().Data();
  }
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeEnvelope",
                       {
                           InstanceAccessor<&EnvelopeWrap::trace>("trace"),
                           InstanceMethod<&EnvelopeWrap::kill_all>("killAll"),
                           InstanceMethod<&EnvelopeWrap::keep>("keep"),
                           InstanceMethod<&EnvelopeWrap::close>("close"),
                           InstanceMethod<&EnvelopeWrap::record>("record"),
                           InstanceMethod<&EnvelopeWrap::usage>("usage"),
                       });
  }

  [[nodiscard]] const std::shared_ptr<Envelope>& envelope() const noexcept { return opened_.envelope; }

 private:
  Napi::Value trace(const Napi::CallbackInfo& info) { return trace_to_js(info.Env(), opened_.envelope->trace()); }

  Napi::Value kill_all(const Napi::CallbackInfo& info) {
    return promise(info.Env(), opened_.runtime, [envelope = opened_.envelope] { return envelope->kill_all(); });
  }

  Napi::Value keep(const Napi::CallbackInfo& info) {
    auto work = [envelope = opened_.envelope, targets = list_from_js(info[0], string_from_js),
                 place = place_from_js(info[1].As<Napi::Object>())]() -> Result<KeepReport> {
      auto root = envelope->open_root();
      if (!root) return std::move(root.error());
      return buildjail::keep(root->get(), targets, place);
    };
    return promise(info.Env(), opened_.runtime, std::move(work), [](Napi::Env env, const KeepReport& report) {
      const Napi::Value failure = report.failure ? error_to_js(env, *report.failure) : env.Undefined();
      return object_to_js(env, Member{"left", list_to_js(env, report.left)}, Member{"failure", failure});
    });
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    opened_.envelope->begin_close();
    auto work = [opened = opened_]() -> Result<CloseReport> {
      auto report = opened.runtime->jobs().close(opened.envelope);
      opened.envelope->let_go();
      return report;
    };
    return promise(info.Env(), opened_.runtime, std::move(work), close_report_to_js);
  }

  Napi::Value record(const Napi::CallbackInfo& info) {
    return promise(
        info.Env(), opened_.runtime, [envelope = opened_.envelope] { return envelope->record(); },
        [id = opened_.id](Napi::Env env, const Record& record) { return record_to_js(env, id, record); });
  }

  Napi::Value usage(const Napi::CallbackInfo& info) {
    return promise(
        info.Env(), opened_.runtime, [envelope = opened_.envelope] { return envelope->usage(); }, usage_to_js);
  }

  OpenedEnvelope opened_;
};

}  // namespace

/** NativeBinding of src/native/binding.ts; one for each environment that loads it. */
class Addon final : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) : runtime_(std::make_shared<Runtime>()) {
    DefineAddon(exports, {
                             InstanceMethod("preflight", &Addon::preflight),
                             InstanceMethod("listen", &Addon::listen),
                             InstanceMethod("releaseDescriptor", &Addon::release_descriptor),
                             InstanceMethod("closeDescriptor", &Addon::close_descriptor),
                             InstanceMethod("shutDown", &Addon::shut_down),
                             InstanceMethod("look", &Addon::look),
                             InstanceMethod("makeFolder", &Addon::make_folder),
                             InstanceMethod("readPlan", &Addon::read_plan),
                             InstanceMethod("start", &Addon::start),
                             InstanceMethod("kill", &Addon::kill),
                             InstanceMethod("usage", &Addon::usage),
                             InstanceMethod("pidOf", &Addon::pid_of),
                             InstanceMethod("resizeTerminal", &Addon::resize_terminal),
                             InstanceMethod("lookAtTerminal", &Addon::look_at_terminal),
                             InstanceMethod("giveBackTerminal", &Addon::give_back_terminal),
                             InstanceMethod("recover", &Addon::recover),
                             InstanceMethod("listSessions", &Addon::list_sessions),
                         });
    export_system_calls(env, exports);
    plan_class_ = Napi::Persistent(PlanWrap::define(env));
    envelope_class_ = Napi::Persistent(EnvelopeWrap::define(env));
  }

  [[nodiscard]] const std::shared_ptr<Runtime>& runtime() const noexcept { return runtime_; }

 private:
  Napi::Value preflight(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    System& system = runtime_->jobs().system();
    return object_to_js(env, Member{"obstacles", list_to_js(env, system.find_obstacles(), obstacle_to_js)},
                        Member{"limitations", list_to_js(env, system.find_limitations(), obstacle_to_js)});
  }

  void listen(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (runtime_->is_started()) throw Napi::Error::New(env, "there is a listener already");
    auto wrap = [this](Napi::Env at, const std::shared_ptr<Envelope>& envelope, const std::string& id) -> Napi::Value {
      OpenedEnvelope opened{runtime_, envelope, id};
      return envelope_class_.New({Napi::External<OpenedEnvelope>::New(at, &opened)});
    };
    if (auto status = runtime_->start(env, info[0].As<Napi::Object>(), std::move(wrap)); !status)
      throw Napi::Error(env, error_to_js(env, status.error()));
    // After the listener was made: hooks run youngest first, and the listener's own must find the waiter gone.
    env.AddCleanupHook([runtime = runtime_] { runtime->shut_down(); });
  }

  void shut_down(const Napi::CallbackInfo&) { runtime_->shut_down(); }

  void release_descriptor(const Napi::CallbackInfo& info) {
    runtime_->release_descriptor(info[0].As<Napi::Number>().Int32Value());
  }

  void close_descriptor(const Napi::CallbackInfo& info) {
    runtime_->close_descriptor(info[0].As<Napi::Number>().Int32Value());
  }

  Napi::Value look(const Napi::CallbackInfo& info) {
    return promised(info, [asked = string_from_js(info[0])] { return Result<std::string>(buildjail::look(asked)); });
  }

  Napi::Value make_folder(const Napi::CallbackInfo& info) {
    auto work = [existing = string_from_js(info[0]), missing = string_from_js(info[1])] {
      return buildjail::make_folder(existing, missing);
    };
    return promised(info, std::move(work), [](Napi::Env env, const struct stat& made) {
      return list_to_js(env, std::array{std::to_string(made.st_dev), std::to_string(made.st_ino)});
    });
  }

  Napi::Value read_plan(const Napi::CallbackInfo& info) { return plan_class_.New({info[0]}); }

  Napi::Value start(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    refuse_unless_listening(env);
    auto request = read_job(bytes_from_js(info[1]));
    if (!request) throw Napi::Error(env, error_to_js(env, request.error()));
    auto [plan, envelope] = subject_of(info[0]);
    auto ends = runtime_->jobs().prepare(*request);
    if (!ends) throw Napi::Error(env, error_to_js(env, ends.error()));
    Napi::Value pipes = hand_over_pipes(env, *request, *ends);
    runtime_->began(env);
    auto budget = runtime_->jobs().begin(std::move(plan), std::move(envelope), std::move(*request), std::move(*ends));
    if (budget && pipes.IsArray()) pipes.As<Napi::Array>().Set(3U, spending_from(env, std::move(budget)));
    return pipes;
  }

  Napi::Value kill(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const int signal =
        info[1].IsNumber() ? info[1].As<Napi::Number>().Int32Value() : signal_number(string_from_js(info[1]));
    if (signal <= 0) throw Napi::TypeError::New(env, "unknown signal");
    const Whom whom = string_from_js(info[2]) == "tree" ? Whom::kTree : Whom::kGroup;
    const auto job = runtime_->jobs().find(number_of_job(info));
    return Napi::Boolean::New(env, job && job->signal(signal, whom));
  }

  Napi::Value usage(const Napi::CallbackInfo& info) {
    auto work = [runtime = runtime_, number = number_of_job(info)] {
      const auto job = runtime->jobs().find(number);
      return job ? job->usage() : SessionUsage();
    };
    return promised(info, std::move(work), usage_to_js);
  }

  Napi::Value pid_of(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    refuse_unless_listening(env);
    const auto pid = runtime_->jobs().waiter().pid_of(number_of_job(info));
    return pid ? Napi::Value(Napi::Number::New(env, *pid)) : env.Undefined();
  }

  Napi::Value resize_terminal(const Napi::CallbackInfo& info) {
    refuse_unless_listening(info.Env());
    const auto characters = [&info](std::size_t at) {
      return static_cast<std::uint16_t>(info[at].As<Napi::Number>().Uint32Value());
    };
    const winsize size{.ws_row = characters(2), .ws_col = characters(1), .ws_xpixel = 0, .ws_ypixel = 0};
    const auto job = runtime_->jobs().find(number_of_job(info));
    return Napi::Boolean::New(info.Env(), job && job->resize(size));
  }

  void look_at_terminal(const Napi::CallbackInfo&) {
    if (runtime_->is_started()) runtime_->jobs().waiter().mover().look_at_terminals();
  }

  void give_back_terminal(const Napi::CallbackInfo&) {
    if (runtime_->is_started()) runtime_->jobs().waiter().terminals().give_back();
  }

  Napi::Value recover(const Napi::CallbackInfo& info) {
    auto work = [state_directory = string_from_js(info[0])] {
      return Result<RecoveryReport>(recover_state(state_directory));
    };
    return promised(info, std::move(work), recovery_report_to_js);
  }

  Napi::Value list_sessions(const Napi::CallbackInfo& info) {
    auto work = [runtime = runtime_, state_directory = string_from_js(info[0])] {
      return runtime->jobs().system().list(state_directory);
    };
    return promised(info, std::move(work), [](Napi::Env env, const std::vector<ListedSession>& sessions) {
      return list_to_js(env, sessions, listed_to_js);
    });
  }

  static std::uint32_t number_of_job(const Napi::CallbackInfo& info) {
    return info[0].As<Napi::Number>().Uint32Value();
  }

  // A listener to process.exit() can come here, and under Bun a worker thread after it was terminated. No one would
  // close the pipes of a job that starts then.
  void refuse_unless_listening(Napi::Env env) const {
    if (!runtime_->is_started()) throw Napi::Error::New(env, "there is no listener");
    if (runtime_->is_ended()) throw Napi::Error::New(env, "the environment has ended");
  }

  template <class Work, class ToJs = AsItIs>
  Napi::Value promised(const Napi::CallbackInfo& info, Work work, ToJs to_js = {}) {
    refuse_unless_listening(info.Env());
    return promise(info.Env(), runtime_, std::move(work), std::move(to_js));
  }

  std::pair<SharedPlan, std::shared_ptr<Envelope>> subject_of(const Napi::Value& value) {
    if (value.IsObject() && value.As<Napi::Object>().InstanceOf(plan_class_.Value()))
      return {PlanWrap::Unwrap(value.As<Napi::Object>())->plan(), nullptr};
    if (value.IsObject() && value.As<Napi::Object>().InstanceOf(envelope_class_.Value()))
      return {nullptr, EnvelopeWrap::Unwrap(value.As<Napi::Object>())->envelope()};
    throw Napi::TypeError::New(value.Env(), "neither a plan nor an envelope");
  }

  /** Our ends of the command's pipes, by number. The runtime keeps them until JavaScript says otherwise. */
  Napi::Value hand_over_pipes(Napi::Env env, const JobRequest& request, StdioEnds& ends) {
    if (!request.command) return env.Undefined();
    auto fds = Napi::Array::New(env, ends.ours.size());
    bool has_pipe = false;
    for (std::size_t i = 0; i < ends.ours.size(); ++i) {
      const StdioKind kind = request.command->stdio.at(i).kind;
      // Of a terminal stderr is none: everything comes by stdout.
      const bool is_pipe =
          kind == StdioKind::kPipe || kind == StdioKind::kSocket || (kind == StdioKind::kPty && ends.ours.at(i));
      fds.Set(static_cast<std::uint32_t>(i), is_pipe ? ends.ours.at(i).get() : -1);
      if (!is_pipe) continue;
      auto kept = std::make_shared<UniqueFd>(std::move(ends.ours.at(i)));
      if (kind == StdioKind::kSocket) ends.sockets.emplace_back(kept);
      runtime_->keep_descriptor(std::move(kept));
      has_pipe = true;
    }
    return has_pipe ? Napi::Value(fds) : env.Undefined();
  }

  /** NativeSpend of src/native/binding.ts. */
  static Napi::Function spending_from(Napi::Env env, SharedStdioBudget budget) {
    return Napi::Function::New(
        env,
        [budget = std::move(budget)](const Napi::CallbackInfo& info) -> Napi::Value {
          const auto bytes = static_cast<std::size_t>(info[0].As<Napi::Number>().Int64Value());
          return Napi::Number::New(info.Env(), static_cast<double>(budget->spend(bytes)));
        },
        "spend");
  }

  std::shared_ptr<Runtime> runtime_;
  Napi::FunctionReference plan_class_;
  Napi::FunctionReference envelope_class_;
};

std::shared_ptr<Runtime> runtime_of(Napi::Env env) { return env.GetInstanceData<Addon>()->runtime(); }

}  // namespace buildjail

using buildjail::Addon;
NODE_API_ADDON(Addon)
