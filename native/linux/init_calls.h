#pragma once

#include <fcntl.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "linux/init/messages.h"
#include "linux/raw_calls.h"
#include "linux/system_call_filter.h"

namespace buildjail {

class InitChannel;

/** A place in which init keeps a descriptor (init/messages.h). */
struct Slot {
  unsigned number;
};

/** These have the same meaning in all calls of a session. Calls with one purpose use the other slots. */
inline constexpr Slot kRootSlot{1};
/** The mount of /dev, until it is sealed. */
inline constexpr Slot kDevSlot{2};
/** The file system of /tmp, while overlays are made in it. */
inline constexpr Slot kRoomSlot{3};
inline constexpr Slot kOpened{4};
inline constexpr Slot kCopied{5};
/** The listener of the filter. */
inline constexpr Slot kListener{6};
inline constexpr unsigned kFirstSentSlot = 8;
/** Init's working directory. */
inline constexpr long kHere = AT_FDCWD;

/** Part of init's memory that its calls can write to, and a word in it. */
struct Scratch {
  unsigned offset = 0;
};
struct ScratchWord {
  std::size_t offset;
};

/** Any errno. */
inline constexpr int kAnyError = -1;

#ifdef BUILDJAIL_FAULTS
/** The tests' own build makes another call of one that is to fail (test/faults/native). */
void meet_fault(init_call& call, const char* name);
#endif

/** The object of a call, for the error that its failure becomes. It lives until the calls are confirmed. */
struct CallSite {
  const char* step;
  std::string_view path{};
  std::string_view dest{};
  /** What an errno means there. */
  std::vector<std::pair<int, const char*>> details{};
};

/** An argument of a call, which may lie in memory that is sent along. */
class CallArgument {
 public:
  template <class Number>
    requires std::integral<Number> || std::is_enum_v<Number>
  CallArgument(Number number)  // NOLINT(google-explicit-constructor)
      : value_(static_cast<unsigned long long>(number)) {}
  template <class Text>
    requires std::convertible_to<Text, std::string_view>
  CallArgument(const Text& text)  // NOLINT(google-explicit-constructor)
      : kind_(kArgumentText), bytes_(text) {}
  CallArgument(Slot slot) : kind_(kArgumentSlot), value_(slot.number) {}     // NOLINT(google-explicit-constructor)
  CallArgument(Scratch at) : kind_(kArgumentScratch), value_(at.offset) {}   // NOLINT(google-explicit-constructor)
  CallArgument(ScratchWord at) : kind_(kArgumentWord), value_(at.offset) {}  // NOLINT(google-explicit-constructor)
  /** The address of a structure. */
  template <class Structure>
  static CallArgument bytes(const Structure& structure) {
    return std::string_view(reinterpret_cast<const char*>(&structure), sizeof(structure));
  }

 private:
  friend class InitCalls;
  unsigned char kind_ = kArgumentNumber;
  unsigned long long value_ = 0;
  std::string_view bytes_;
};

/**
 * System calls for init, by which it makes a session's root and gives up its rights. Init makes them in this order, and
 * stops at the first that fails. They go to init in messages: it begins while later calls are still added.
 */
class InitCalls {
 public:
  using Arguments = std::initializer_list<CallArgument>;

  explicit InitCalls(InitChannel& init) : init_(init) {}

  InitCalls& make(CallSite site, init_call_name name, Arguments arguments);
  /** The last call opens a descriptor. */
  InitCalls& into(Slot slot);
  /** The last call may fail with that errno; then the next `skipped` calls are left out. */
  InitCalls& may_fail(int err, unsigned skipped = 0);
  /** Where the last call works, the next `skipped` ones are left out. */
  InitCalls& unless_it_works(unsigned skipped);
  /** Fails with `err` unless the masked bits of 64 at that offset of the scratch memory are `value`. */
  InitCalls& expect(CallSite site, std::size_t offset, std::uint64_t mask, std::uint64_t value, int err);
  /** Sets attributes of a copy of mounts, or of a mount that is open. */
  void set_attributes(CallSite site, Slot tree, const raw::MountAttributes& attributes, unsigned flags = 0);
  /** `flags` are those of seccomp(2), SECCOMP_SET_MODE_FILTER. */
  InitCalls& install_filter(CallSite site, std::span<const FilterInstruction> program, unsigned flags = 0);
  /** The time of the calls since the last mark belongs to this step. This process spent `before_ns` on it. */
  void mark(const char* step, std::string_view target, std::int64_t before_ns = 0);

  /** A descriptor that goes along. Init keeps it until the next step. */
  Slot pass(UniqueFd descriptor);
  /** Comes before the calls of a step, which go in one message. */
  void begin_step();
  /** This process gets the descriptors in slots from one on, once the calls until here are made. */
  void show(Slot first, unsigned count = 1);
  /** The descriptors shown from this slot on, in order, once the calls are confirmed. An empty slot gives none. */
  std::vector<UniqueFd> take_shown(Slot first) { return std::exchange(shown_[first.number], {}); }
  /** The last call. The descriptor stays open until init ends; it may be empty. */
  void seal(UniqueFd kept);

  /** Sends what was added. */
  void send();
  /** Waits until init has made all of it. `is_launched`: after the seal a launch was sent. */
  Status confirm(bool is_launched, Trace& trace);

 private:
  struct Mark {
    const char* step;
    std::string_view target;
    std::int64_t before_ns;
  };
  struct Message {
    calls_message header{};
    std::vector<init_call> calls;
    std::string text;
    std::vector<UniqueFd> descriptors;
    /** For each call. */
    std::vector<std::pair<CallSite, init_call_name>> sites;
    std::vector<Mark> marks;
  };

  InitChannel& init_;
  Message message_;
  /** The messages that init has, without the parts that only init needs. */
  std::vector<Message> sent_;
  bool is_sealed_ = false;
  /** By the first slot. */
  std::map<unsigned, std::vector<UniqueFd>> shown_;
  Status status_;
};

}  // namespace buildjail
