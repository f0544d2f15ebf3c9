#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace buildjail {

/** Cuts off and returns the text before `separator`, or all of it if there is no separator. */
inline std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

/** Reads a text that is one number. False for any other text. */
template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

/** Reads numbers that have a space behind each. False where one is missing. */
template <class... Numbers>
bool read_numbers(std::string_view& rest, Numbers&... numbers) {
  return (read_number(cut(rest, ' '), numbers) && ...);
}

/** The numbers of a line such as `Uid:\t0\t0\t0\t0`, in which separators are tabs or spaces. */
template <class Number = unsigned>
std::vector<Number> numbers_in(std::string_view line) {
  std::vector<Number> found;
  const char* at = line.data();
  const char* const end = line.data() + line.size();
  while (at < end) {
    Number number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error == std::errc()) found.push_back(number);
    at = next == at ? at + 1 : next;
  }
  return found;
}

/** With a space behind each: `read_numbers` reads them. */
inline std::string numbers_text(std::initializer_list<std::uint64_t> numbers) {
  std::string text;
  for (const std::uint64_t number : numbers) text += std::to_string(number) + " ";
  return text;
}

/** `a; b; and 3 more`: the first few, because a sentence with more is unreadable. */
inline std::string first_of(const std::vector<std::string>& texts, std::size_t most) {
  std::string text;
  const std::size_t count = std::min(texts.size(), most);
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : "; ") + texts[i];
  return texts.size() > count ? text + "; and " + std::to_string(texts.size() - count) + " more" : text;
}

/** Any text as one line; `unescape` reverses it. */
inline std::string escaped(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\\' || c == '\n') line += '\\';
    line += c == '\n' ? 'n' : c;
  }
  return line;
}

/** False for a line that `escaped` does not make. */
inline bool unescape(std::string_view line, std::string& text) {
  text.clear();
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      text += line[i];
      continue;
    }
    i += 1;
    if (i == line.size() || (line[i] != '\\' && line[i] != 'n')) return false;
    text += line[i] == 'n' ? '\n' : '\\';
  }
  return true;
}

/** The null-terminated array of C strings that execve(2) takes. The strings outlive it. */
class CStrings {
 public:
  explicit CStrings(std::vector<std::string>& strings) {
    pointers_.reserve(strings.size() + 1);
    for (auto& string : strings) pointers_.push_back(string.data());
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] char* const* data() const noexcept { return pointers_.data(); }

 private:
  std::vector<char*> pointers_;
};

/** Whether a path that begins with no slash has names only: no component is empty, `.` or `..`. */
inline bool is_of_names(std::string_view path) {
  if (path.empty() || path.ends_with('/')) return false;
  while (!path.empty()) {
    const std::string_view name = cut(path, '/');
    if (name.empty() || name == "." || name == "..") return false;
  }
  return true;
}

/** Whether an absolute path lies below a folder, by its words alone: links are not followed. */
inline bool is_below(std::string_view path, std::string_view folder) {
  if (folder == "/") return path.size() > 1;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

/** Whether it is the folder or lies below it. */
inline bool is_within(std::string_view path, std::string_view folder) {
  return path == folder || is_below(path, folder);
}

}  // namespace buildjail
