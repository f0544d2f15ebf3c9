#include "plan/look.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/result.h"
#include "base/text.h"

namespace buildjail {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/** Of the call that has just failed. Reads errno. */
std::string failed(const char* call) {
  const int err = errno;
  return "!" + errno_name(err) + ' ' + std::to_string(err) + ' ' + call + ' ' + errno_text(err);
}

/** The number as the JavaScript runtime has it, which is signed. */
template <class Number>
std::string number(Number value) {
  return std::to_string(static_cast<std::int64_t>(value));
}

std::string numbers_of(const struct stat& found) {
  std::string text;
  for (const auto& one : {number(found.st_dev), number(found.st_ino), number(found.st_mode), number(found.st_nlink),
                          number(found.st_uid), number(found.st_gid), number(found.st_rdev)})
    text += one + ' ';
  return text + number(found.st_mtim.tv_sec * kSecond + found.st_mtim.tv_nsec);
}

std::string resolved(const char* path) {
  const std::unique_ptr<char, void (*)(void*)> found(::realpath(path, nullptr), std::free);
  return found ? found.get() : failed("realpath");
}

std::string link_at(const char* path) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlink(path, text.data(), text.size());
  return size < 0 ? failed("readlink") : '/' + std::string(text.data(), static_cast<std::size_t>(size));
}

std::string status_of(const char* path) {
  struct stat found{};
  if (::stat(path, &found) != 0) return failed("stat");
  const bool is_source = S_ISDIR(found.st_mode) || S_ISREG(found.st_mode);
  return is_source ? numbers_of(found) + resolved(path) : numbers_of(found);
}

std::string link_status_of(const char* path) {
  struct stat found{};
  if (::lstat(path, &found) != 0) return failed("lstat");
  return S_ISLNK(found.st_mode) ? numbers_of(found) + link_at(path) : numbers_of(found);
}

std::string names_in(const char* path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path), ::closedir);
  if (!directory) return failed("scandir");
  std::string names;
  for (;;) {
    errno = 0;
    const auto* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name(static_cast<const char*>(entry->d_name));
    if (name != "." && name != "..") names.append("/").append(name);
  }
  if (errno != 0) return failed("scandir");
  return names;
}

std::string answer_to(std::string_view question) {
  const std::string path(question.substr(std::min<std::size_t>(1, question.size())));
  if (question.starts_with('s')) return status_of(path.c_str());
  if (question.starts_with('l')) return link_status_of(path.c_str());
  return names_in(path.c_str());
}

}  // namespace

std::string look(std::string_view asked) {
  std::string answers;
  while (!asked.empty()) {
    answers += answer_to(cut(asked, '\0'));
    if (!asked.empty()) answers += '\0';
  }
  return answers;
}

}  // namespace buildjail
