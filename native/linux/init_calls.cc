#include "linux/init_calls.h"

#include <algorithm>
#include <array>

#include "linux/init.h"

namespace buildjail {

namespace {

/** No call is added to a message of this size. A packet has room for it and for the calls of one more step. */
constexpr std::size_t kFullBytes = 32768;
constexpr std::size_t kFullDescriptors = 64;

constexpr std::array<const char*, kCallCount> kNames{
#define CALL(name) #name
    INIT_CALLS(CALL),
#undef CALL
    "fstat", "clock_gettime", "seccomp"};

/** The error of the call at which init stopped. */
SysError error_of(const CallSite& site, init_call_name name, int err) {
  SysError error{.step = site.step,
                 .syscall = kNames.at(name),
                 .err = err,
                 .path = std::string(site.path),
                 .dest = std::string(site.dest)};
  const auto detail = std::ranges::find(site.details, err, &std::pair<int, const char*>::first);
  if (detail != site.details.end()) error.detail = detail->second;
  return error;
}

}  // namespace

InitCalls& InitCalls::make(CallSite site, init_call_name name, Arguments arguments) {
  init_call call{};
  call.name = static_cast<unsigned short>(name);
  std::size_t at = 0;
  for (const CallArgument& argument : arguments) {
    call.kinds[at] = argument.kind_;
    call.arguments[at] = argument.value_;
    if (argument.kind_ == kArgumentText) {
      call.arguments[at] = message_.text.size();
      message_.text.append(argument.bytes_) += '\0';
    }
    ++at;
  }
#ifdef BUILDJAIL_FAULTS
  if (name != kCallMark) meet_fault(call, kNames.at(name));
#endif
  message_.calls.push_back(call);
  message_.sites.emplace_back(std::move(site), name);
  return *this;
}

InitCalls& InitCalls::into(Slot slot) {
  message_.calls.back().result = static_cast<unsigned short>(slot.number + 1);
  return *this;
}

InitCalls& InitCalls::may_fail(int err, unsigned skipped) {
  message_.calls.back().tolerated = static_cast<unsigned>(err);
  message_.calls.back().skip_failed = static_cast<unsigned char>(skipped);
  return *this;
}

InitCalls& InitCalls::unless_it_works(unsigned skipped) {
  message_.calls.back().skip = static_cast<unsigned char>(skipped);
  return *this;
}

InitCalls& InitCalls::expect(CallSite site, std::size_t offset, std::uint64_t mask, std::uint64_t value, int err) {
  return make(std::move(site), kCallExpect, {offset, mask, value, err});
}

void InitCalls::set_attributes(CallSite site, Slot tree, const raw::MountAttributes& attributes, unsigned flags) {
  make(std::move(site), kCall_mount_setattr,
       {tree, "", raw::kEmptyPath | flags, CallArgument::bytes(attributes), sizeof(attributes)});
}

InitCalls& InitCalls::install_filter(CallSite site, std::span<const FilterInstruction> program, unsigned flags) {
  const std::size_t begin = message_.text.size();
  const auto bytes = std::as_bytes(program);
  message_.text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size()) += '\0';
  return make(std::move(site), kCallFilter, {begin, program.size(), flags});
}

void InitCalls::mark(const char* step, std::string_view target, std::int64_t before_ns) {
  make({.step = step}, kCallMark, {});
  message_.marks.push_back({.step = step, .target = target, .before_ns = before_ns});
}

Slot InitCalls::pass(UniqueFd descriptor) {
  message_.descriptors.push_back(std::move(descriptor));
  return {static_cast<unsigned>(kFirstSentSlot + message_.descriptors.size() - 1)};
}

void InitCalls::begin_step() {
  if (message_.calls.size() * sizeof(init_call) + message_.text.size() > kFullBytes ||
      message_.descriptors.size() > kFullDescriptors || message_.marks.size() > kMostMarks / 2)
    send();
}

// In a message of its own, because init empties its slots before it answers the last one.
void InitCalls::show(Slot first, unsigned count) {
  message_.header.shown = first.number;
  message_.header.shown_count = count;
  send();
}

void InitCalls::seal(UniqueFd kept) {
  message_.header.seals = 1;
  is_sealed_ = true;
  if (kept) message_.header.kept = pass(std::move(kept)).number + 1;
}

void InitCalls::send() {
  if (message_.calls.empty()) return;
  Message sent = std::exchange(message_, {});
  if (!status_) return;
  sent.header.kind = kMessageCalls;
  sent.header.first_slot = kFirstSentSlot;
  sent.header.call_count = static_cast<unsigned>(sent.calls.size());
  sent.header.text_size = static_cast<unsigned>(sent.text.size());
  std::vector<int> descriptors;
  descriptors.reserve(sent.descriptors.size());
  for (const UniqueFd& one : sent.descriptors) descriptors.push_back(one.get());
  status_ = init_.send_calls(sent.header, sent.calls, sent.text, descriptors);
  sent.descriptors.clear();
  sent_.push_back(std::move(sent));
}

Status InitCalls::confirm(bool is_launched, Trace& trace) {
  send();
  if (!status_) return status_;
  constexpr std::uint32_t kNoCommand = 0;
  // Init answers together with the next message, so one must follow.
  if (is_sealed_ && !is_launched && !init_.ask_for_pid(kNoCommand)) return last_error("init", "sendmsg");
  for (const Message& sent : sent_) {
    const auto answer = init_.read_calls_answer(shown_[sent.header.shown]);
    if (!answer) return answer.error();
    if (answer->err != 0) {
      const auto& [site, name] = sent.sites.at(answer->index);
      return error_of(site, name, answer->err);
    }
    for (unsigned i = 0; i < std::min<std::size_t>(answer->mark_count, sent.marks.size()); ++i) {
      const auto& [step, target, before_ns] = sent.marks[i];
      trace.add(step, std::string(target), before_ns + answer->nanoseconds[i]);
    }
  }
  sent_.clear();
  return {};
}

}  // namespace buildjail
