#include <napi.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "binding/from_js.h"
#include "binding/runtime.h"
#include "binding/to_js.h"
#include "envelope/keep.h"
#include "envelope/output_size.h"
#include "plan/look.h"
#include "plan/named_files.h"
#include "state/files.h"
#include "state/recovery.h"

namespace buildjail {

namespace {

/** NativeKeepPlace of src/native/binding.ts. */
KeepPlace place_from_js(const Napi::Value& value) {
  const Members members(value, {.call = "keep", .name = "place"});
  const auto text = [&](const char* name) { return members.read<std::string>(name); };
  const auto number = [&](const char* name) { return unsigned_from_bigint(members.get(name), members.at(name)); };
  return {.folder = text("folder"),
          .dev = number("dev"),
          .ino = number("ino"),
          .missing = text("missing"),
          .id = text("id")};
}

// JavaScript can give an object of one class the prototype of the other. These tags tell them apart.
constexpr napi_type_tag kPlanTag{.lower = 0x6275696c646a6169, .upper = 0x6c2e706c616e2e31};
constexpr napi_type_tag kEnvelopeTag{.lower = 0x6275696c646a6169, .upper = 0x6c2e656e762e2e31};

bool is_tagged(const Napi::Value& value, const napi_type_tag& tag) {
  return value.IsObject() && value.As<Napi::Object>().CheckTypeTag(&tag);
}

/** NativePlan of src/native/binding.ts: a plan as native code has read it. */
class PlanWrap final : public Napi::ObjectWrap<PlanWrap> {
 public:
  /** Its one argument is the packed plan. */
  explicit PlanWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PlanWrap>(info) {
    auto plan = read_plan(bytes_from_js(info[0], {.call = "read_plan", .name = "packed"}));
    if (!plan) throw Napi::Error(info.Env(), error_to_js(info.Env(), plan.error()));
    plan_ = std::make_shared<const EnvelopePlan>(std::move(*plan));
    info.This().As<Napi::Object>().TypeTag(&kPlanTag);
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
  /** Takes the envelope that the addon is about to wrap. JavaScript may call it too: then there is none. */
  explicit EnvelopeWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EnvelopeWrap>(info) {
    auto& next = *static_cast<std::optional<OpenedEnvelope>*>(info.Data());
    if (!next) refuse(info.Env(), {.call = "open", .name = "NativeEnvelope"}, "is made by a job only");
    opened_ = *std::exchange(next, std::nullopt);
    info.This().As<Napi::Object>().TypeTag(&kEnvelopeTag);
  }
  /** `next` outlives the class. */
  static Napi::Function define(Napi::Env env, std::optional<OpenedEnvelope>& next) {
    return DefineClass(env, "NativeEnvelope",
                       {
                           InstanceAccessor<&EnvelopeWrap::trace>("steps"),
                           InstanceMethod<&EnvelopeWrap::kill_all>("killAll"),
                           InstanceMethod<&EnvelopeWrap::keep>("keep"),
                           InstanceMethod<&EnvelopeWrap::layers>("layers"),
                           InstanceMethod<&EnvelopeWrap::is_opaque>("isOpaque"),
                           InstanceMethod<&EnvelopeWrap::apply>("apply"),
                           InstanceMethod<&EnvelopeWrap::close>("close"),
                           InstanceMethod<&EnvelopeWrap::record>("record"),
                           InstanceMethod<&EnvelopeWrap::usage>("usage"),
                           InstanceMethod<&EnvelopeWrap::seen_paths>("seenPaths"),
                           InstanceMethod<&EnvelopeWrap::processes>("processes"),
                       },
                       &next);
  }
  /** The object that each method is called on. JavaScript can pass any object by Function.call. */
  static EnvelopeWrap* Unwrap(Napi::Object object) {
    // Node checks this itself, and another runtime need not.
    if (!is_tagged(object, kEnvelopeTag)) refuse(object.Env(), {.call = "open", .name = "this"}, "is no envelope");
    return Napi::ObjectWrap<EnvelopeWrap>::Unwrap(object);
  }

  [[nodiscard]] const std::shared_ptr<Envelope>& envelope() const noexcept { return opened_.envelope; }

 private:
  Napi::Value trace(const Napi::CallbackInfo& info) { return trace_to_js(info.Env(), opened_.envelope->trace()); }

  Napi::Value kill_all(const Napi::CallbackInfo& info) {
    return promise(info.Env(), opened_.runtime, [runtime = opened_.runtime.get(), envelope = opened_.envelope] {
      return runtime->jobs().kill_all(*envelope);
    });
  }

  Napi::Value keep(const Napi::CallbackInfo& info) {
    auto targets = list_of<std::string>(info[0], {.call = "keep", .name = "targets"}, kMostTargets);
    auto work = [envelope = opened_.envelope, targets = std::move(targets),
                 place = place_from_js(info[1])]() -> Result<KeepReport> {
      auto root = envelope->open_root();
      if (!root) return std::move(root.error());
      return buildjail::keep(root->get(), targets, place);
    };
    return promise(info.Env(), opened_.runtime, std::move(work), [](Napi::Env env, const KeepReport& report) {
      const Napi::Value failure = report.failure ? error_to_js(env, *report.failure) : env.Undefined();
      return object_to_js(env, Member{"left", list_to_js(env, report.left)}, Member{"failure", failure});
    });
  }

  Napi::Value layers(const Napi::CallbackInfo& info) {
    const auto layer_to_js = [](Napi::Env env, const Layer& layer) -> Napi::Value {
      return object_to_js(env, Member{"target", layer.target}, Member{"path", layer.path});
    };
    return list_to_js(info.Env(), opened_.envelope->layers(), layer_to_js);
  }

  Napi::Value is_opaque(const Napi::CallbackInfo& info) {
    auto target = text_from_js(info[0], {.call = "changes", .name = "target"});
    const auto folder = bytes_from_js(info[1], {.call = "changes", .name = "folder"});
    std::string text;
    std::ranges::transform(folder, std::back_inserter(text), [](std::byte one) { return static_cast<char>(one); });
    return promise(info.Env(), opened_.runtime,
                   [envelope = opened_.envelope, target = std::move(target), folder = std::move(text)] {
                     return envelope->is_opaque(target, folder);
                   });
  }

  Napi::Value apply(const Napi::CallbackInfo& info) {
    auto targets = list_of<std::string>(info[0], {.call = "apply", .name = "targets"}, kMostTargets);
    return promise(
        info.Env(), opened_.runtime,
        [envelope = opened_.envelope, targets = std::move(targets)] { return envelope->apply(targets); },
        [](Napi::Env env, const std::vector<AppliedChanges>& all) {
          return list_to_js(env, all, [](Napi::Env inner, const AppliedChanges& one) -> Napi::Value {
            return object_to_js(inner, Member{"target", one.target}, Member{"written", one.written},
                                Member{"removed", one.removed}, Member{"left", list_to_js(inner, one.left)});
          });
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

  Napi::Value seen_paths(const Napi::CallbackInfo& info) {
    auto work = [envelope = opened_.envelope]() -> Result<std::vector<std::byte>> { return envelope->seen_paths(); };
    return promise(info.Env(), opened_.runtime, std::move(work),
                   [](Napi::Env env, const std::vector<std::byte>& packed) {
                     return Napi::Buffer<std::byte>::Copy(env, packed.data(), packed.size());
                   });
  }

  Napi::Value processes(const Napi::CallbackInfo& info) {
    return promise(
        info.Env(), opened_.runtime, [envelope = opened_.envelope] { return envelope->processes(); },
        [](Napi::Env env, const std::vector<SessionProcess>& processes) {
          return list_to_js(env, processes, process_to_js);
        });
  }

  /** More than a plan has mounts. */
  static constexpr std::size_t kMostTargets = 1'000'000;

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
                             InstanceMethod("namedFiles", &Addon::named_files),
                             InstanceMethod("makeFolder", &Addon::make_folder),
                             InstanceMethod("sizeOfOutputs", &Addon::size_of_outputs),
                             InstanceMethod("readPlan", &Addon::read_plan),
                             InstanceMethod("start", &Addon::start),
                             InstanceMethod("kill", &Addon::kill),
                             InstanceMethod("copied", &Addon::copied),
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
    envelope_class_ = Napi::Persistent(EnvelopeWrap::define(env, next_envelope_));
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
    // Read before the check for an earlier one, because a getter may call this.
    const Members members(info[0], {.call = "listen", .name = "listener"});
    const auto started = function_from_js(members.get("started"), members.at("started"));
    const auto ended = function_from_js(members.get("ended"), members.at("ended"));
    const auto network = function_from_js(members.get("network"), members.at("network"));
    if (runtime_->is_started()) throw Napi::Error::New(env, "there is a listener already");
    auto wrap = [this](Napi::Env, const std::shared_ptr<Envelope>& envelope, const std::string& id) -> Napi::Value {
      next_envelope_ = OpenedEnvelope{runtime_, envelope, id};
      return envelope_class_.New({});
    };
    if (auto status = runtime_->start(env, started, ended, network, std::move(wrap)); !status)
      throw Napi::Error(env, error_to_js(env, status.error()));
    // After the listener was made: hooks run youngest first, and the listener's own must find the waiter gone.
    env.AddCleanupHook([runtime = runtime_] { runtime->shut_down(); });
  }

  void shut_down(const Napi::CallbackInfo&) { runtime_->shut_down(); }

  void release_descriptor(const Napi::CallbackInfo& info) { runtime_->release_descriptor(descriptor_from_js(info[0])); }

  void close_descriptor(const Napi::CallbackInfo& info) { runtime_->close_descriptor(descriptor_from_js(info[0])); }

  Napi::Value look(const Napi::CallbackInfo& info) {
    return promised(info, [asked = any_text_from_js(info[0], {.call = "look", .name = "questions"})] {
      return Result<std::string>(buildjail::look(asked));
    });
  }

  Napi::Value named_files(const Napi::CallbackInfo& info) {
    constexpr const char* kCall = "namedFiles";
    constexpr std::size_t kMostNames = 100;
    const auto folder = text_from_js(info[0], {.call = kCall, .name = "folder"});
    const auto patterns = list_of<std::string>(info[1], {.call = kCall, .name = "patterns"}, kMostNames);
    const auto passed_by = list_of<std::string>(info[2], {.call = kCall, .name = "passedBy"}, kMostNames);
    return list_to_js(info.Env(), buildjail::named_files(folder, patterns, passed_by));
  }

  Napi::Value size_of_outputs(const Napi::CallbackInfo& info) {
    constexpr std::size_t kMostOutputs = 1'000'000;
    auto work = [folders = list_of<std::string>(info[0], {.call = "sizeOfOutputs", .name = "folders"}, kMostOutputs)] {
      return buildjail::size_of_outputs(folders);
    };
    return promised(info, std::move(work), [](Napi::Env env, const OutputSize& size) -> Napi::Value {
      return object_to_js(env, Member{"bytes", size.bytes}, Member{"files", size.files});
    });
  }

  Napi::Value make_folder(const Napi::CallbackInfo& info) {
    auto work = [existing = text_from_js(info[0], {.call = "mkdir", .name = "existing"}),
                 missing = text_from_js(info[1], {.call = "mkdir", .name = "missing"})] {
      return buildjail::make_folder(existing, missing);
    };
    return promised(info, std::move(work), [](Napi::Env env, const struct stat& made) {
      return list_to_js(env, std::array{std::to_string(made.st_dev), std::to_string(made.st_ino)});
    });
  }

  Napi::Value read_plan(const Napi::CallbackInfo& info) { return plan_class_.New({info[0]}); }

  Napi::Value start(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    runtime_->refuse_unless_listening(env);
    auto [plan, envelope] = subject_of(info[0]);
    auto request = read_job(bytes_from_js(info[1], {.call = "start", .name = "packed"}));
    if (!request) throw Napi::Error(env, error_to_js(env, request.error()));
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
    const int signal = signal_from_js(info[1]);
    const Place at{.call = "kill", .name = "whom"};
    const std::string whom_word = text_from_js(info[2], at);
    if (whom_word != "tree" && whom_word != "group") refuse(env, at, "must be tree or group");
    const Whom whom = whom_word == "tree" ? Whom::kTree : Whom::kGroup;
    const auto job = runtime_->jobs().find(number_of_job(info));
    return Napi::Boolean::New(env, job && job->signal(signal, whom));
  }

  Napi::Value copied(const Napi::CallbackInfo& info) {
    const auto job = runtime_->jobs().find(number_of_job(info));
    const Copied copied = job ? job->copied() : Copied();
    return object_to_js(info.Env(), Member{"files", static_cast<double>(copied.files)},
                        Member{"bytes", static_cast<double>(copied.bytes)});
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
    runtime_->refuse_unless_listening(env);
    const auto pid = runtime_->jobs().waiter().pid_of(number_of_job(info));
    return pid ? Napi::Value(Napi::Number::New(env, *pid)) : env.Undefined();
  }

  Napi::Value resize_terminal(const Napi::CallbackInfo& info) {
    runtime_->refuse_unless_listening(info.Env());
    // As many as a winsize has (tty(4), ioctl_tty(2)).
    using Characters = Integer<std::uint16_t, 0, std::numeric_limits<std::uint16_t>::max()>;
    const auto columns = value_from_js<Characters>(info[1], {.call = "ioctl", .name = "columns"});
    const auto rows = value_from_js<Characters>(info[2], {.call = "ioctl", .name = "rows"});
    const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
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
    auto work = [state_directory = state_directory_from_js(info[0])]() -> Result<RecoveryReport> {
      Surroundings around;
      const auto leases = host_directory(around);
      if (!leases) return leases.error();
      return recover_state(state_directory, *leases);
    };
    return promised(info, std::move(work), recovery_report_to_js);
  }

  Napi::Value list_sessions(const Napi::CallbackInfo& info) {
    auto work = [runtime = runtime_, state_directory = state_directory_from_js(info[0])] {
      return runtime->jobs().system().list(state_directory);
    };
    return promised(info, std::move(work), [](Napi::Env env, const std::vector<ListedSession>& sessions) {
      return list_to_js(env, sessions, listed_to_js);
    });
  }

  static std::uint32_t number_of_job(const Napi::CallbackInfo& info) {
    using JobNumber = Integer<std::uint32_t, 0, std::numeric_limits<std::uint32_t>::max()>;
    return value_from_js<JobNumber>(info[0], {.call = "job", .name = "job"});
  }

  static int descriptor_from_js(const Napi::Value& value) {
    using Descriptor = Integer<int, 0, std::numeric_limits<int>::max()>;
    return value_from_js<Descriptor>(value, {.call = "close", .name = "descriptor"});
  }

  static std::string state_directory_from_js(const Napi::Value& value) {
    return text_from_js(value, {.call = "open", .name = "stateDirectory"});
  }

  template <class Work, class ToJs = AsItIs>
  Napi::Value promised(const Napi::CallbackInfo& info, Work work, ToJs to_js = {}) {
    return promise(info.Env(), runtime_, std::move(work), std::move(to_js));
  }

  static std::pair<SharedPlan, std::shared_ptr<Envelope>> subject_of(const Napi::Value& value) {
    if (is_tagged(value, kEnvelopeTag)) return {nullptr, EnvelopeWrap::Unwrap(value.As<Napi::Object>())->envelope()};
    // defence: subject-job-plan-envelope
    if (!is_tagged(value, kPlanTag)) refuse_value(value, {.call = "start", .name = "of"}, "a plan or an envelope");
    return {PlanWrap::Unwrap(value.As<Napi::Object>())->plan(), nullptr};
  }

  /** Our ends of the command's pipes, by number. The runtime keeps them until JavaScript says otherwise. */
  Napi::Value hand_over_pipes(Napi::Env env, const JobRequest& request, StdioEnds& ends) {
    if (!request.command) return env.Undefined();
    auto fds = Napi::Array::New(env, ends.ours.size());
    bool has_pipe = false;
    for (std::size_t i = 0; i < ends.ours.size(); ++i) {
      const StdioKind kind = request.command->stdio.at(i).kind;
      // A terminal has no stderr of its own: everything comes by stdout.
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
    // A stream hands over no more at once, and their sum stays far below what wraps.
    using Bytes = Integer<std::size_t, 0, std::numeric_limits<std::uint32_t>::max()>;
    return Napi::Function::New(
        env,
        [budget = std::move(budget)](const Napi::CallbackInfo& info) -> Napi::Value {
          const auto bytes = value_from_js<Bytes>(info[0], {.call = "spend", .name = "bytes"});
          return Napi::Number::New(info.Env(), static_cast<double>(budget->spend(bytes)));
        },
        "spend");
  }

  std::shared_ptr<Runtime> runtime_;
  /** What the class of envelopes makes its next object of. */
  std::optional<OpenedEnvelope> next_envelope_;
  Napi::FunctionReference plan_class_;
  Napi::FunctionReference envelope_class_;
};

std::shared_ptr<Runtime> runtime_of(Napi::Env env) { return env.GetInstanceData<Addon>()->runtime(); }

}  // namespace buildjail

using buildjail::Addon;
NODE_API_ADDON(Addon)
