#include <napi.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>

#include "base/mailbox.h"
#include "envelope/worker_threads.h"
#include "fault.h"

// How the tests get at it: an object `faults` beside what the addon exports anyway. This is the test build's own
// binding, and in no other; that is why it may include napi.h outside of native/binding.

namespace buildjail::faults {

namespace {

Action action_of(Napi::Env env, const std::string& word) {
  if (word == "count") return Action::kNone;
  if (word == "fail") return Action::kFail;
  if (word == "kill") return Action::kKill;
  if (word == "skip") return Action::kSkip;
  if (word == "mask") return Action::kMask;
  throw Napi::TypeError::New(env, "action: must be count, fail, kill, skip or mask");
}

OwnThread thread_of(Napi::Env env, const Napi::Value& word) {
  if (word.IsUndefined()) return OwnThread::kNone;
  const std::string text = word.ToString().Utf8Value();
  if (text == "networks") return OwnThread::kNetworks;
  if (text == "notices") return OwnThread::kNotices;
  throw Napi::TypeError::New(env, "thread: must be networks or notices");
}

std::int64_t number_or(const Napi::Object& object, const char* key, std::int64_t otherwise) {
  const Napi::Value value = object.Get(key);
  return value.IsNumber() ? value.As<Napi::Number>().Int64Value() : otherwise;
}

/** FaultRequest of test/faults/controls.ts. */
Fault fault_from_js(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  Fault fault;
  fault.action = action_of(info.Env(), request.Get("action").ToString().Utf8Value());
  if (request.Get("call").IsString()) {
    const std::string name = request.Get("call").As<Napi::String>().Utf8Value();
    name.copy(fault.name.data(), fault.name.size() - 1);
  }
  fault.if_argument = static_cast<int>(number_or(request, "ifArgument", -1));
  fault.if_value = static_cast<std::uintptr_t>(number_or(request, "ifValue", 0));
  fault.nth = static_cast<std::uint32_t>(number_or(request, "nth", 1));
  fault.err = static_cast<int>(number_or(request, "errno", 0));
  fault.masked_argument = static_cast<int>(number_or(request, "argument", 0));
  fault.masked_bits = static_cast<std::uintptr_t>(number_or(request, "bits", 0));
  fault.is_of_every_thread = request.Get("everyThread").ToBoolean();
  fault.thread = thread_of(info.Env(), request.Get("thread"));
  return fault;
}

Napi::Value arm_from_js(const Napi::CallbackInfo& info) {
  arm(fault_from_js(info));
  return info.Env().Undefined();
}

Napi::Value disarm_to_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Made made = disarm();
  auto calls = Napi::Array::New(env, made.calls.size());
  for (std::size_t i = 0; i < made.calls.size(); ++i) calls.Set(static_cast<std::uint32_t>(i), made.calls[i]);
  auto tolerated = Napi::Array::New(env, made.tolerated.size());
  for (std::size_t i = 0; i < made.tolerated.size(); ++i) {
    const char* const reason = made.tolerated[i];
    tolerated.Set(static_cast<std::uint32_t>(i), reason == nullptr ? env.Null() : Napi::String::New(env, reason));
  }
  auto result = Napi::Object::New(env);
  result.Set("calls", calls);
  result.Set("tolerated", tolerated);
  result.Set("hits", made.hits);
  return result;
}

/** Whether this process has any child, dead or alive; none is waited for. */
Napi::Value has_children(const Napi::CallbackInfo& info) {
  int options = WEXITED | WNOHANG | WNOWAIT;
#ifdef __WALL
  options |= __WALL;
#endif
  siginfo_t child{};
  return Napi::Boolean::New(info.Env(), ::waitid(P_ALL, 0, &child, options) == 0);
}

}  // namespace

// A program begins on the JavaScript thread, which arms it, and goes on on a worker thread. Other threads, such as the
// one that waits for commands, belong to no program: their calls would come at any moment and are not counted.

// WorkerThreads::run (envelope/worker_threads.h), as the system's C++ library has it called.
#ifdef _LIBCPP_VERSION
#define BUILDJAIL_RUN "_ZN9buildjail13WorkerThreads3runENSt3__18functionIFvvEEE"
#else
#define BUILDJAIL_RUN "_ZN9buildjail13WorkerThreads3runESt8functionIFvvEE"
#endif
extern "C" void real_run(WorkerThreads* threads, std::function<void()> work) __asm__("__real_" BUILDJAIL_RUN);
extern "C" void run_counted(WorkerThreads* threads, std::function<void()> work) __asm__("__wrap_" BUILDJAIL_RUN);
void run_counted(WorkerThreads* threads, std::function<void()> work) {
  real_run(threads, [work = std::move(work)] {
    const Counted counted;
    work();
  });
}

// Mailbox::empty (network/mailbox.h), which only that thread calls; first when a network begins.
extern "C" void real_empty(Mailbox* mailbox) __asm__("__real__ZN9buildjail7Mailbox5emptyEv");
extern "C" void empty_in_thread(Mailbox* mailbox) __asm__("__wrap__ZN9buildjail7Mailbox5emptyEv");
void empty_in_thread(Mailbox* mailbox) {
  be_own_thread(OwnThread::kNetworks);
  real_empty(mailbox);
}

#ifdef __linux__
// BorrowedRights::BorrowedRights (linux/caller_rights.h), of which a thread that answers calls makes one, first of all.
#define BUILDJAIL_BORROW "_ZN9buildjail14BorrowedRightsC1Ev"
extern "C" void real_borrow(void* rights) __asm__("__real_" BUILDJAIL_BORROW);
extern "C" void borrow_in_thread(void* rights) __asm__("__wrap_" BUILDJAIL_BORROW);
void borrow_in_thread(void* rights) {
  be_own_thread(OwnThread::kNotices);
  real_borrow(rights);
}
#endif

// export_system_calls (binding/runtime.h) is the last thing that is exported.
extern "C" void export_real(Napi::Env env, Napi::Object exports) __asm__(
    "__real__ZN9buildjail19export_system_callsEN4Napi3EnvENS0_6ObjectE");
extern "C" void export_with_faults(Napi::Env env, Napi::Object exports) __asm__(
    "__wrap__ZN9buildjail19export_system_callsEN4Napi3EnvENS0_6ObjectE");
void export_with_faults(Napi::Env env, Napi::Object exports) {
  export_real(env, exports);
  auto faults = Napi::Object::New(env);
  faults.Set("arm", Napi::Function::New<arm_from_js>(env, "arm"));
  faults.Set("disarm", Napi::Function::New<disarm_to_js>(env, "disarm"));
  faults.Set("hasChildren", Napi::Function::New<has_children>(env, "hasChildren"));
  exports.Set("faults", faults);
}

}  // namespace buildjail::faults
