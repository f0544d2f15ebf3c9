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

Result<MountedList> MountedList::read() {
  int count = ::getfsstat(nullptr, 0, MNT_NOWAIT);
  while (count >= 0) {
    auto list = with_room_for(static_cast<std::size_t>(count) + kSpare);
    if (!list) return list;
    const auto bytes = static_cast<long>(list->memory_.size_bytes());
    count = ::getfsstat(list->memory_.data(), bytes, MNT_NOWAIT);
    // A full one means that some may be missing.
    if (count < 0 || static_cast<std::size_t>(count) == list->memory_.size()) continue;
    list->count_ = static_cast<std::size_t>(count);
    return list;
  }
  return last_error(kStep, "getfsstat");
}

}  // namespace buildjail
