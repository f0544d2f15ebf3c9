#include "linux/interpreter.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace buildjail {

namespace {

/** What the kernel reads of a file to see which program it is (BINPRM_BUF_SIZE of linux/binfmts.h). */
constexpr std::size_t kHead = 256;

}  // namespace

std::string interpreter_of(const UniqueFd& program, Doubt& doubt) {
  const auto read_at = [&](std::span<std::byte> into, std::uint64_t offset) {
    const ssize_t size = ::pread(program.get(), into.data(), into.size(), static_cast<off_t>(offset));
    // The offset comes from the file, so it may be invalid.
    if (size < 0) doubt.note(errno, {EINVAL});
    return size;
  };
  std::array<char, kHead> head{};
  const ssize_t size = read_at(std::as_writable_bytes(std::span(head)), 0);
  if (size < 2) return {};
  std::string_view text(head.data(), static_cast<std::size_t>(size));
  if (text.starts_with("#!")) {
    text = text.substr(2);
    text = cut(text, '\n');
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return std::string(text.substr(0, text.find_first_of(" \t")));
  }
  Elf64_Ehdr header{};
  if (text.size() < sizeof(header)) return {};
  std::memcpy(&header, text.data(), sizeof(header));
  if (std::memcmp(&header.e_ident[0], ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(Elf64_Phdr)) return {};
  constexpr unsigned kMostHeaders = 64;
  std::vector<Elf64_Phdr> parts(std::min<unsigned>(header.e_phnum, kMostHeaders));
  const auto bytes = std::as_writable_bytes(std::span(parts));
  if (parts.empty() || read_at(bytes, header.e_phoff) != static_cast<ssize_t>(bytes.size())) return {};
  const auto named = std::ranges::find(parts, static_cast<Elf64_Word>(PT_INTERP), &Elf64_Phdr::p_type);
  if (named == parts.end()) return {};
  std::string name(std::min<std::size_t>(named->p_filesz, PATH_MAX), '\0');
  if (read_at(std::as_writable_bytes(std::span(name)), named->p_offset) != static_cast<ssize_t>(name.size())) return {};
  return name.substr(0, name.find('\0'));
}

}  // namespace buildjail
