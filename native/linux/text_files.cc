#include "linux/text_files.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/unique_fd.h"
#include "state/locked_file.h"

namespace buildjail {

Result<std::string> read_text_file(const char* step, const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return last_error(step, "open", path);
  return read_file(step, path, file.get());
}

Status write_text_file(const char* step, const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return last_error(step, "open", path);
  if (::write(file.get(), text.data(), text.size()) < 0) return last_error(step, "write", path);
  return {};
}

std::optional<std::string> text_of(const std::string& path) {
  auto text = read_text_file("read", path);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const auto text = text_of(path);
  std::uint64_t number = 0;
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  return read_number(cut(rest, '\n'), number) ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> number_after(const std::string& path, std::string_view word) {
  const auto text = text_of(path);
  if (!text) return std::nullopt;
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    std::uint64_t number = 0;
    if (cut(line, ' ') == word && read_number(line, number)) return number;
  }
  return std::nullopt;
}

}  // namespace buildjail
