#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/signals.h"
#include "binding/native_classes.h"
#include "binding/runtime.h"
#include "binding/system_calls.h"
#include "binding/to_js.h"
#include "plan/look.h"
#include "state/files.h"

namespace buildjail {

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
    System& system = runtime_->jobs().system();
    return preflight_to_js(info.Env(), system.find_obstacles(), system.find_limitations());
  }

  Napi::Value listen(const Napi::CallbackInfo& info) {
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
    return env.Undefined();
  }

  Napi::Value shut_down(const Napi::CallbackInfo& info) {
    runtime_->shut_down();
    return info.Env().Undefined();
  }

  Napi::Value release_descriptor(const Napi::CallbackInfo& info) {
    runtime_->release_descriptor(info[0].As<Napi::Number>().Int32Value());
    return info.Env().Undefined();
  }

  Napi::Value close_descriptor(const Napi::CallbackInfo& info) {
    runtime_->close_descriptor(info[0].As<Napi::Number>().Int32Value());
    return info.Env().Undefined();
  }

  Napi::Value look(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    refuse_unless_listening(env);
    return promise<std::string>(
        env, runtime_,
        [asked = info[0].As<Napi::String>().Utf8Value()] { return Result<std::string>(buildjail::look(asked)); },
        [](Napi::Env at, const Result<std::string>& answers) -> Napi::Value {
          return answers ? Napi::String::New(at, *answers) : at.Undefined();
        });
  }

  Napi::Value make_folder(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    refuse_unless_listening(env);
    return promise<FolderIdentity>(
        env, runtime_,
        [existing = info[0].As<Napi::String>().Utf8Value(), missing = info[1].As<Napi::String>().Utf8Value()] {
          return buildjail::make_folder(existing, missing);
        },
        [](Napi::Env at, const Result<FolderIdentity>& made) -> Napi::Value {
          if (!made) return at.Undefined();
          return strings_to_js(at, {std::to_string(made->dev), std::to_string(made->ino)});
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
    const int signal = info[1].IsNumber() ? info[1].As<Napi::Number>().Int32Value()
                                          : signal_number(info[1].As<Napi::String>().Utf8Value());
    if (signal <= 0) throw Napi::TypeError::New(env, "unknown signal");
    const Whom whom = info[2].As<Napi::String>().Utf8Value() == "tree" ? Whom::kTree : Whom::kGroup;
    return Napi::Boolean::New(env, runtime_->jobs().signal(job_of(info), signal, whom));
  }

  Napi::Value usage(const Napi::CallbackInfo& info) {
    refuse_unless_listening(info.Env());
    return promise<SessionUsage>(
        info.Env(), runtime_, [runtime = runtime_, job = job_of(info)] { return runtime->jobs().usage(job); },
        usage_to_js);
  }

  Napi::Value pid_of(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    refuse_unless_listening(env);
    const auto pid = runtime_->jobs().pid_of(job_of(info));
    return pid ? Napi::Value(Napi::Number::New(env, *pid)) : env.Undefined();
  }

  Napi::Value resize_terminal(const Napi::CallbackInfo& info) {
    refuse_unless_listening(info.Env());
    const auto characters = [&info](std::size_t at) {
      return static_cast<std::uint16_t>(info[at].As<Napi::Number>().Uint32Value());
    };
    const TerminalSize size{.columns = characters(1), .rows = characters(2)};
    return Napi::Boolean::New(info.Env(), runtime_->jobs().resize(job_of(info), size));
  }

  Napi::Value look_at_terminal(const Napi::CallbackInfo& info) {
    if (runtime_->is_started()) runtime_->jobs().waiter().mover().look_at_terminals();
    return info.Env().Undefined();
  }

  Napi::Value give_back_terminal(const Napi::CallbackInfo& info) {
    if (runtime_->is_started()) runtime_->jobs().waiter().terminals().give_back();
    return info.Env().Undefined();
  }

  Napi::Value recover(const Napi::CallbackInfo& info) {
    refuse_unless_listening(info.Env());
    auto work = [runtime = runtime_, state_directory = info[0].As<Napi::String>().Utf8Value()] {
      return Result<RecoveryReport>(runtime->jobs().system().recover(state_directory));
    };
    return promise<RecoveryReport>(info.Env(), runtime_, std::move(work), recovery_report_to_js);
  }

  Napi::Value list_sessions(const Napi::CallbackInfo& info) {
    refuse_unless_listening(info.Env());
    auto work = [runtime = runtime_, state_directory = info[0].As<Napi::String>().Utf8Value()] {
      return runtime->jobs().system().list(state_directory);
    };
    return promise<std::vector<ListedSession>>(info.Env(), runtime_, std::move(work), session_list_to_js);
  }

  static std::uint32_t job_of(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Uint32Value(); }

  // A listener to process.exit() can come here, and under Bun a worker thread after it was terminated. No one would
  // close the pipes of a job that starts then.
  void refuse_unless_listening(Napi::Env env) const {
    if (!runtime_->is_started()) throw Napi::Error::New(env, "there is no listener");
    if (runtime_->is_ended()) throw Napi::Error::New(env, "the environment has ended");
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
