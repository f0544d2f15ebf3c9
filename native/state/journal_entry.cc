#include "state/journal_entry.h"

#include <cerrno>
#include <charconv>
#include <system_error>

namespace buildjail {

namespace {

/** Of the format as well: another one has another number. */
constexpr std::string_view kFirstLine = "buildjail-journal 1";
/** The last line of a new entry. */
constexpr std::string_view kWhole = "begun";

/** On one line, whatever is in it. */
std::string escaped(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\\') line += "\\\\";
    if (c == '\n') line += "\\n";
    if (c != '\\' && c != '\n') line += c;
  }
  return line;
}

/** False when it is not what `escaped` made. */
bool unescape(std::string_view line, std::string& text) {
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

/** Cuts off what is before `separator`, or all of it. */
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

// Flags are there only where there are any: a path begins with a slash, which no number does.
bool read_lent(std::string_view rest, LentOutput& output) {
  return read_number(cut(rest, ' '), output.dev) && read_number(cut(rest, ' '), output.ino) &&
         read_number(cut(rest, ' '), output.uid) && read_number(cut(rest, ' '), output.gid) &&
         read_number(cut(rest, ' '), output.mode, 8) &&
         (rest.starts_with('/') || read_number(cut(rest, ' '), output.flags, 8)) && unescape(rest, output.path) &&
         output.path.starts_with('/');
}

bool read_line(std::string_view line, JournalEntry& entry) {
  const std::string_view word = cut(line, ' ');
  if (word == "id") return unescape(line, entry.id);
  if (word == "name") return unescape(line, entry.name);
  if (word == "pid") return read_number(line, entry.pid) && entry.pid > 0;
  if (word == "started") return read_number(line, entry.started_ms);
  if (word == "root") return unescape(line, entry.root);
  if (word == "jail") return unescape(line, entry.jail);
  if (word == "user") return read_number(line, entry.user);
  if (word == "lent") return read_lent(line, entry.lent.emplace_back());
  if (word == "recovering") return entry.is_being_recovered = true;
  return word == kWhole;
}

std::string octal(std::uint32_t bits) {
  std::string text(11, '0');
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), bits, 8);
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

SysError damaged(const std::string& path, const std::string& detail) {
  return {.step = "journal", .syscall = "read", .err = EINVAL, .path = path, .dest = {}, .detail = detail};
}

}  // namespace

std::string entry_text(const JournalEntry& entry) {
  std::string text(kFirstLine);
  text += "\nid " + escaped(entry.id) + "\nname " + escaped(entry.name) + "\npid " + std::to_string(entry.pid) +
          "\nstarted " + std::to_string(entry.started_ms) + "\nroot " + escaped(entry.root) + "\njail " +
          escaped(entry.jail) + "\nuser " + std::to_string(entry.user) + "\n";
  return text.append(kWhole).append("\n");
}

std::string lent_text(const LentOutput& output) {
  const std::string flags = output.flags == 0 ? "" : octal(output.flags) + " ";
  return "lent " + std::to_string(output.dev) + " " + std::to_string(output.ino) + " " + std::to_string(output.uid) +
         " " + std::to_string(output.gid) + " " + octal(output.mode) + " " + flags + escaped(output.path) + "\n";
}

std::string recovering_text(pid_t pid) { return "recovering " + std::to_string(pid) + "\n"; }

Result<std::optional<JournalEntry>> read_entry(const std::string& path, std::string_view text) {
  const std::string_view first = text.substr(0, kFirstLine.size());
  if (!kFirstLine.starts_with(first)) return damaged(path, "it does not begin as a journal of this version does");
  text = text.substr(0, text.rfind('\n') + 1);
  if (text.empty()) return std::optional<JournalEntry>();
  if (cut(text, '\n') != kFirstLine) return damaged(path, "it is a journal of another version");
  JournalEntry entry;
  bool is_whole = false;
  while (!text.empty()) {
    const std::string_view line = cut(text, '\n');
    if (!read_line(line, entry)) return damaged(path, "'" + std::string(line) + "' is no line of a journal");
    is_whole |= line == kWhole;
  }
  if (!is_whole) return std::optional<JournalEntry>();
  if (entry.id.empty() || entry.pid == 0) return damaged(path, "it does not say whose it is");
  return std::optional(std::move(entry));
}

}  // namespace buildjail
