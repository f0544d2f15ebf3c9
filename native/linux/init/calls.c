/*
 * The calls by which init makes the root of its session and gives up its rights. A table lists them, so a message can
 * ask for no other. No process of a build exists before the last of them.
 */

#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <time.h>

#include "system_call.h"

#ifndef __NR_fstat
#define __NR_fstat __NR3264_fstat
#endif

static const unsigned short numbers[] = {
#define CALL(name) __NR_##name
    INIT_CALLS(CALL)
#undef CALL
};

/* The descriptors that calls have opened, or that came along, each plus 1: an empty slot is 0. */
static int slots[kMostSlots];
static unsigned long long scratch[kScratchSize / sizeof(unsigned long long)];
static enum { kAssembling, kFailed, kSealed } state;

int has_failed(void) { return state == kFailed; }

int is_sealed(void) { return state == kSealed; }

unsigned shown_of(const struct calls_message* message, int* descriptors) {
  if (state != kAssembling) return 0;
  for (unsigned i = 0; i < message->shown_count; i++) {
    if (slots[message->shown + i] == 0) return 0;
    descriptors[i] = slots[message->shown + i] - 1;
  }
  return message->shown_count;
}

static unsigned long long now(void) {
  struct timespec time;
  call3(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0);
  return (unsigned long long)time.tv_sec * 1000000000ULL + (unsigned long long)time.tv_nsec;
}

static int is_argument(unsigned kind, unsigned long long argument, unsigned text_size) {
  if (kind == kArgumentText) return argument < text_size;
  if (kind == kArgumentSlot) return argument < kMostSlots;
  if (kind == kArgumentScratch) return argument <= kScratchSize - 256;
  if (kind == kArgumentWord) return argument <= kScratchSize - sizeof(unsigned);
  return kind == kArgumentNumber;
}

static int is_call(const struct init_call* call, unsigned left, const struct calls_message* message) {
  for (unsigned i = 0; i < 6; i++)
    if (!is_argument(call->kinds[i], call->arguments[i], message->text_size)) return 0;
  if (call->name >= kCallCount || call->result > kMostSlots) return 0;
  if (call->skip >= left || call->skip_failed >= left) return 0;
  if (call->name == kCallExpect) return call->arguments[0] <= kScratchSize - sizeof(unsigned long long);
  if (call->name != kCallFilter) return 1;
  return call->arguments[0] <= message->text_size &&
         call->arguments[1] <= (message->text_size - call->arguments[0]) / sizeof(struct sock_filter);
}

static int is_well_formed(const struct calls_message* message, unsigned long size, unsigned descriptors) {
  const struct init_call* const calls = (const struct init_call*)(message + 1);
  unsigned long rest = size - sizeof(*message);
  if (size < sizeof(*message) || message->call_count > rest / sizeof(*calls)) return 0;
  rest -= message->call_count * sizeof(*calls);
  if (message->text_size != rest || (rest > 0 && ((const char*)message)[size - 1] != 0)) return 0;
  if (message->kept > kMostSlots || message->shown_count > kMostMessageDescriptors) return 0;
  if (message->shown > kMostSlots || message->shown_count > kMostSlots - message->shown) return 0;
  if (message->first_slot > kMostSlots || descriptors > kMostSlots - message->first_slot) return 0;
  for (unsigned i = 0; i < message->call_count; i++)
    if (!is_call(&calls[i], message->call_count - i, message)) return 0;
  return 1;
}

static long argument_of(const struct init_call* call, unsigned i, const char* text) {
  const unsigned long long argument = call->arguments[i];
  if (call->kinds[i] == kArgumentText) return (long)(text + argument);
  if (call->kinds[i] == kArgumentSlot) return slots[argument] - 1;
  if (call->kinds[i] == kArgumentScratch) return (long)((char*)scratch + argument);
  if (call->kinds[i] == kArgumentWord) return (long)*(const unsigned*)((const char*)scratch + argument);
  return (long)argument;
}

static long install_filter(const struct init_call* call, const char* text) {
  const struct sock_fprog program = {.len = (unsigned short)call->arguments[1],
                                     .filter = (struct sock_filter*)(text + call->arguments[0])};
  /*
   * Without the flag, kernels before 5.16 slow down a program with a filter, against side channels within the program.
   * Builds are promised no such protection.
   */
  const long flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW | (long)call->arguments[2];
  return call3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, (long)&program);
}

static long expect_word(const struct init_call* call) {
  const unsigned long long* const word = (const unsigned long long*)((const char*)scratch + call->arguments[0]);
  return (*word & call->arguments[1]) == call->arguments[2] ? 0 : -(long)call->arguments[3];
}

static long make_call(const struct init_call* call, const char* text) {
  long arguments[6];
  if (call->name == kCallFilter) return install_filter(call, text);
  if (call->name == kCallExpect) return expect_word(call);
  for (unsigned i = 0; i < 6; i++) arguments[i] = argument_of(call, i, text);
  return system_call(numbers[call->name], arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                     arguments[5]);
}

static void put(unsigned slot, int descriptor) {
  if (slots[slot] != 0) call3(__NR_close, slots[slot] - 1, 0, 0);
  slots[slot] = descriptor + 1;
}

/* Init has its control as 0, the signals of its children as 1, and the kept descriptor as 2. */
static void close_all_but(unsigned kept) {
  enum { kKept = 2, kFirstClosed };
  if (kept != 0 && slots[kept - 1] != kKept + 1) call3(__NR_dup3, slots[kept - 1] - 1, kKept, O_CLOEXEC);
  call3(__NR_close_range, kept == 0 ? kKept : kFirstClosed, ~0U, 0);
}

int make_calls(const struct calls_message* message, unsigned long size, const int* descriptors, unsigned count,
               struct calls_answer* answer) {
  const struct init_call* const calls = (const struct init_call*)(message + 1);
  const char* const text = (const char*)(calls + message->call_count);
  unsigned long long since = now();
  if (state == kSealed || !is_well_formed(message, size, count)) return 0;
  for (unsigned i = 0; i < count; i++) put(message->first_slot + i, descriptors[i]);
  answer->err = state == kFailed ? ECANCELED : 0;
  answer->index = 0;
  answer->mark_count = 0;
  for (unsigned at = 0; at < message->call_count && answer->err == 0; at++) {
    const struct init_call* const call = &calls[at];
    long result;
    if (call->name == kCallMark) {
      const unsigned long long time = now();
      if (answer->mark_count < kMostMarks) answer->nanoseconds[answer->mark_count++] = (unsigned)(time - since);
      since = time;
      continue;
    }
    result = make_call(call, text);
    /* A write is cut short where memory is short. */
    if (call->name == kCall_write && result >= 0 && (unsigned long long)result < call->arguments[2]) result = -ENOSPC;
    if (result >= 0) {
      if (call->result != 0) put(call->result - 1U, (int)result);
      if (call->name == kCall_close && call->kinds[0] == kArgumentSlot) slots[call->arguments[0]] = 0;
      at += call->skip;
    } else if (call->tolerated == ~0U || (call->tolerated != 0 && (unsigned)-result == call->tolerated)) {
      at += call->skip_failed;
    } else {
      answer->err = (int)-result;
      answer->index = at;
    }
  }
  if (answer->err != 0) {
    state = kFailed;
  } else if (message->seals) {
    close_all_but(message->kept);
    state = kSealed;
  }
  return 1;
}
