#include "state/lent_fact.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace buildjail {

namespace {

constexpr const char* kKey = "lent";
constexpr int kOctal = 8;
constexpr int kHexadecimal = 16;

/** Bits of the third word of the fact. */
constexpr unsigned kShared = 1;
constexpr unsigned kGivesOwner = 2;
constexpr unsigned kTakesMarks = 4;
constexpr unsigned kStore = 8;

std::string octal(std::uint32_t bits) {
  std::array<char, 11> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), bits, kOctal);
  return {digits.data(), end};
}

/** Any bytes as a word without a space or a newline; `-` for no bytes. */
std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (bytes.empty()) return "-";
  std::string word;
  for (const char one : bytes) {
    const auto byte = static_cast<unsigned char>(one);
    word += kDigits[byte / kDigits.size()];
    word += kDigits[byte % kDigits.size()];
  }
  return word;
}

bool read_bytes(std::string_view word, std::string& bytes) {
  if (word == "-") return true;
  if (word.empty() || word.size() % 2 != 0) return false;
  for (std::size_t at = 0; at < word.size(); at += 2) {
    unsigned char byte = 0;
    if (!read_number(word.substr(at, 2), byte, kHexadecimal)) return false;
    bytes += static_cast<char>(byte);
  }
  return true;
}

bool read_marks(std::string_view& rest, std::vector<Mark>& marks) {
  std::size_t count = 0;
  if (!read_number(cut(rest, ' '), count)) return false;
  for (std::size_t at = 0; at < count; ++at) {
    Mark mark;
    if (!read_bytes(cut(rest, ' '), mark.name) || !read_bytes(cut(rest, ' '), mark.value)) return false;
    marks.push_back(std::move(mark));
  }
  return true;
}

}  // namespace

Fact lent_fact(const LentOutput& output, const Lending& lending) {
  const auto& [ids, gives_owner, takes_marks, is_store] = lending;
  const unsigned what = (ids.are_shared ? kShared : 0) | (gives_owner ? kGivesOwner : 0) |
                        (takes_marks ? kTakesMarks : 0) | (is_store ? kStore : 0);
  std::string value =
      numbers_text({ids.first, ids.count, ids.gid, what, output.dev, output.ino, output.uid, output.gid});
  value += octal(output.mode) + " " + octal(output.flags) + " " + std::to_string(output.since_ns);
  value += " " + std::to_string(output.marks.size());
  for (const Mark& mark : output.marks) value += " " + hexadecimal(mark.name) + " " + hexadecimal(mark.value);
  value += " " + output.path;
  return {kLentOutput, kKey, std::move(value)};
}

std::optional<NotedOutput> noted_output(const Fact& fact) {
  std::string_view rest = fact.value;
  NotedOutput noted{};
  auto& [before, lending] = noted;
  unsigned what = 0;
  const bool is_read = fact.part == kLentOutput && fact.key == kKey &&
                       read_numbers(rest, lending.ids.first, lending.ids.count, lending.ids.gid, what, before.dev,
                                    before.ino, before.uid, before.gid) &&
                       read_number(cut(rest, ' '), before.mode, kOctal) &&
                       read_number(cut(rest, ' '), before.flags, kOctal) && read_numbers(rest, before.since_ns) &&
                       read_marks(rest, before.marks) && what <= (kShared | kGivesOwner | kTakesMarks | kStore) &&
                       rest.starts_with('/');
  if (!is_read) return std::nullopt;
  lending.ids.are_shared = (what & kShared) != 0;
  lending.gives_owner = (what & kGivesOwner) != 0;
  lending.takes_marks = (what & kTakesMarks) != 0;
  lending.is_store = (what & kStore) != 0;
  before.path = rest;
  return noted;
}

}  // namespace buildjail
