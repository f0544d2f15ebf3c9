#include "binding/build_once.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "binding/envelope_wrap.h"
#include "binding/error_to_js.h"
#include "binding/prepared_launch.h"
#include "binding/to_js.h"
#include "base/caught.h"

namespace buildjail {

namespace {

/**
 * From thread to thread: one that opens and launches, the waiter's, one that closes, JavaScript's. What is to be taken
 * away is begun with before the command was waited for.
 */
class Build : public std::enable_shared_from_this<Build> {
 public:
  Build(Napi::Env env, std::shared_ptr<Runtime> runtime, const Napi::FunctionReference& make_envelope, SharedPlan plan,
        std::string id)
      : deferred_(Napi::Promise::Deferred::New(env)),
        runtime_(std::move(runtime)),
        make_envelope_(make_envelope),
        plan_(std::move(plan)),
        id_(std::move(id)) {}

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

  /** What `open_and_launch` waits for when it has opened. */
  ComingLaunch& coming() noexcept { return coming_; }

  void open_and_launch() {
    auto opened = caught("open", [this] { return runtime_->open(std::move(plan_), id_); });
    if (!opened) {
      failure_ = std::move(opened.error());
      tell();
      return;
    }
    envelope_ = std::move(*opened);
    auto launch = coming_.take();
    if (!launch) {
      failure_ = std::move(launch.error());
      close();
      return;
    }
    const std::uint32_t run = launch->request.run;
    const auto self = shared_from_this();
    runtime_->take_exit(
        run, {.hear = [self] { self->begin_to_close(); }, .take = [self](Exit exit) { self->take(std::move(exit)); }});
    auto pid = caught("launch", [&] { return envelope_->launch(std::move(launch->request), std::move(launch->ends)); });
    if (pid) return;
    runtime_->leave_exit(run);
    failure_ = std::move(pid.error());
    close();
  }

 private:
  void begin_to_close() {
    exited_ = std::chrono::steady_clock::now();
    runtime_->closing_threads().run([self = shared_from_this()] { self->close(); });
  }

  void take(Exit exit) {
    {
      const std::lock_guard lock(mutex_);
      exit_ = std::move(exit);
      // Who closes tells.
      if (!is_closed_) return;
    }
    // It stood in the way itself, where a debugger kept it from being waited for.
    if (!report_.failures.empty()) return begin_to_close();
    tell();
  }

  void close() {
    report_ = runtime_->close(envelope_);
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
      // Who takes the exit tells.
      if (!exit_ && !failure_) return;
    }
    tell();
  }

  void tell() {
    runtime_->tell([self = shared_from_this()](Napi::Env env) { self->settle(env); });
  }

  void settle(Napi::Env env) {
    if (!envelope_) {
      deferred_.Reject(error_to_js(env, *failure_));
      return;
    }
    auto built = Napi::Object::New(env);
    if (exit_) {
      const std::chrono::duration<double, std::milli> since_exit = std::chrono::steady_clock::now() - exited_;
      built.Set("exit", pass_exit(env, runtime_->make_exit(), *exit_));
      built.Set("sinceExitMs", since_exit.count());
    }
    if (failure_) built.Set("failure", error_to_js(env, *failure_));
    // What is left is a session still.
    if (!report_.failures.empty()) {
      OpenedEnvelope opened{runtime_, envelope_, id_};
      built.Set("envelope", make_envelope_.New({Napi::External<OpenedEnvelope>::New(env, &opened)}));
      built.Set("closed", close_report_to_js(env, report_));
    }
    deferred_.Resolve(built);
  }

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Runtime> runtime_;
  const Napi::FunctionReference& make_envelope_;
  SharedPlan plan_;
  std::string id_;
  ComingLaunch coming_;
  std::shared_ptr<Envelope> envelope_;
  std::optional<SysError> failure_;
  std::mutex mutex_;
  std::optional<Exit> exit_;
  bool is_closed_ = false;
  std::chrono::steady_clock::time_point exited_;
  CloseReport report_;
};

}  // namespace

Napi::Value build_once(Napi::Env env, const std::shared_ptr<Runtime>& runtime,
                       const Napi::FunctionReference& make_envelope, SharedPlan plan, const std::string& id,
                       std::span<const std::byte> packed) {
  auto build = std::make_shared<Build>(env, runtime, make_envelope, std::move(plan), id);
  runtime->threads().run([build] { build->open_and_launch(); });
  build->coming().give(caught("launch", [&] { return prepare_launch(packed, runtime->ready_ends()); }));
  runtime->began(env);
  return build->promise();
}

}  // namespace buildjail
