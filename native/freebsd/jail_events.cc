#include "freebsd/jail_events.h"

#include <utility>

namespace buildjail {

namespace {

// Of 15.0 (sys/event.h); spelled out, as headers of 14 lack them and one binary serves both.
constexpr short kFilterJail = -14;
constexpr short kFilterJailDesc = -15;
constexpr unsigned kNoteChild = 0x80000000;
constexpr unsigned kNoteSet = 0x40000000;
constexpr unsigned kNoteAttach = 0x20000000;
constexpr unsigned kNoteRemove = 0x10000000;
constexpr unsigned kNoteMultiple = 0x08000000;

Result<std::shared_ptr<EventThread>> watch(int number, short filter, TellJailEvents tell) {
  struct kevent event{};
  EV_SET(&event, static_cast<uintptr_t>(number), filter, EV_ADD, kNoteChild | kNoteSet | kNoteAttach | kNoteRemove, 0,
         nullptr);
  return EventThread::start(event, [tell = std::move(tell)](const struct kevent& told) {
    const auto has = [&told](unsigned note) { return (told.fflags & note) != 0; };
    tell({.is_set = has(kNoteSet),
          .is_attached = has(kNoteAttach),
          .is_child_made = has(kNoteChild),
          .is_removed = has(kNoteRemove),
          .is_multiple = has(kNoteMultiple),
          .number = static_cast<int>(told.data)});
    return !has(kNoteRemove);
  });
}

}  // namespace

Result<std::shared_ptr<EventThread>> watch_jail(int jid, TellJailEvents tell) {
  return watch(jid, kFilterJail, std::move(tell));
}

Result<std::shared_ptr<EventThread>> watch_jail_by(int descriptor, TellJailEvents tell) {
  return watch(descriptor, kFilterJailDesc, std::move(tell));
}

}  // namespace buildjail
