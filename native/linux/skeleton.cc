#include "linux/skeleton.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <variant>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr mode_t kPlaceholder = S_IFREG | 0444;
constexpr mode_t kTextMode = 0644;

/** Targets are absolute inside. */
const char* relative(const std::string& target) { return target.c_str() + 1; }

bool stop(Stopped& stopped, const char* step, const char* syscall, const std::string& target) {
  stopped = {.step = step, .syscall = syscall, .err = errno, .path = target.c_str()};
  return false;
}

bool make(const MakeDirectory& wanted, Stopped& stopped) {
  return ::mkdir(relative(wanted.target), wanted.mode) == 0 || stop(stopped, "mkdir", "mkdir", wanted.target);
}

bool make(const MakeFile& wanted, Stopped& stopped) {
  return ::mknodat(AT_FDCWD, relative(wanted.target), kPlaceholder, 0) == 0 ||
         stop(stopped, "create", "mknodat", wanted.target);
}

bool make(const MakeLink& wanted, Stopped& stopped) {
  return ::symlink(wanted.value.c_str(), relative(wanted.target)) == 0 ||
         stop(stopped, "symlink", "symlink", wanted.target);
}

bool make(const WriteText& wanted, Stopped& stopped) {
  const UniqueFd file(::open(relative(wanted.target), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kTextMode));
  if (!file) return stop(stopped, "write", "open", wanted.target);
  const ssize_t written = ::write(file.get(), wanted.text.data(), wanted.text.size());
  if (written == static_cast<ssize_t>(wanted.text.size())) return true;
  // A part of it, where memory is short.
  if (written >= 0) errno = ENOSPC;
  return stop(stopped, "write", "write", wanted.target);
}

}  // namespace

bool is_skeleton(const Step& step) {
  return std::holds_alternative<MakeDirectory>(step) || std::holds_alternative<MakeFile>(step) ||
         std::holds_alternative<MakeLink>(step) || std::holds_alternative<WriteText>(step);
}

bool make_skeleton(const Step& step, Stopped& stopped) {
  if (const auto* const directory = std::get_if<MakeDirectory>(&step)) return make(*directory, stopped);
  if (const auto* const file = std::get_if<MakeFile>(&step)) return make(*file, stopped);
  if (const auto* const link = std::get_if<MakeLink>(&step)) return make(*link, stopped);
  const auto* const text = std::get_if<WriteText>(&step);
  return text == nullptr || make(*text, stopped);
}

}  // namespace buildjail
