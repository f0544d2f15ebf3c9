#include "freebsd/mounted_list.h"

#include <sys/mman.h>

namespace buildjail {

namespace {

constexpr const char* kStep = "mount-table";
/** Others mount as well, between being counted and being listed. */
constexpr std::size_t kSpare = 16;

}  // namespace

Result<MountedList> MountedList::with_room_for(std::size_t count) {
  void* const memory =
      ::mmap(nullptr, count * sizeof(struct statfs), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (memory == MAP_FAILED) return last_error(kStep, "mmap");
  return MountedList(std::span(static_cast<struct statfs*>(memory), count));
}

MountedList::~MountedList() {
  if (!memory_.empty()) static_cast<void>(::munmap(memory_.data(), memory_.size_bytes()));
}

Result<MountedList> MountedList::read(MountedList earlier) {
  MountedList list = std::move(earlier);
  for (;;) {
    const std::size_t room = list.memory_.size();
    const int found = ::getfsstat(list.memory_.data(), static_cast<long>(list.memory_.size_bytes()), MNT_NOWAIT);
    if (found < 0) return last_error(kStep, "getfsstat");
    list.count_ = static_cast<std::size_t>(found);
    // A full one means that some may be missing. Where there is no room they are counted.
    if (list.count_ < room) return list;
    auto larger = with_room_for(list.count_ + room + kSpare);
    if (!larger) return larger;
    list = std::move(*larger);
  }
}

}  // namespace buildjail
