#include "linux/held_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace buildjail {

namespace {

bool is_callers(const FileState& file) { return file.uid == ::geteuid(); }

}  // namespace

HeldFile::HeldFile(int around, const std::string& name)
    : file_(::openat(around, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)),
      state_(file_ ? state_of(file_.get()) : std::nullopt) {}

UniqueFd HeldFile::open_folder() const { return UniqueFd(::openat(file_.get(), ".", kReadFolder)); }

bool HeldFile::open_up() const { return !is_callers(*state_) || buildjail::open_up(file_.get(), *state_); }

bool HeldFile::shut() const { return !is_callers(*state_) || shut_again(file_.get(), *state_); }

const char* move_file(int from, const std::string& name, int to, const std::string& as) {
  const HeldFile held(from, name);
  if (!held) return "openat";
  if (!held.open_up()) return kModeCall;
  const bool is_moved = ::renameat(from, name.c_str(), to, as.c_str()) == 0;
  const int why = errno;
  const bool is_shut = held.shut();
  if (is_moved) return is_shut ? nullptr : kModeCall;
  errno = why;
  return "renameat";
}

}  // namespace buildjail
