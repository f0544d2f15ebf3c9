#pragma once

#include <napi.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace buildjail {

// The one way in which a value of JavaScript becomes one of native code. A reader asks for each length, member and
// element once, because a getter may answer otherwise the second time. It copies what it reads, because a getter that
// runs later, or another thread, may change the rest. It throws a NativeFailure of src/errors.ts that names the value.

/** Where a value belongs: the call that it is for, its name there, and its place in a list. */
struct Place {
  static constexpr std::uint32_t kNoElement = std::numeric_limits<std::uint32_t>::max();

  const char* call;
  std::string_view name;
  std::uint32_t element = kNoElement;

  /** `uid`, `groups[1]`. */
  [[nodiscard]] std::string entry() const;
};

/** Throws EINVAL of the step `check`. The detail is the name and then `why`: `name must not hold a NUL character`. */
[[noreturn]] void refuse(Napi::Env env, const Place& place, const std::string& why);

/** The same: `uid is a whole number of 0 to 5, which 0.5 is not`. `what` describes a valid value. */
[[noreturn]] void refuse_value(const Napi::Value& value, const Place& place, const std::string& what);

/** A whole number of the range. It refuses NaN, -0, fractions, texts and bigints. */
std::int64_t whole_number_from_js(const Napi::Value& value, const Place& place, std::int64_t least, std::int64_t most);

/** The same, which a bigint may be as well: as a number it cannot be beyond 2^53 - 1. */
std::int64_t big_number_from_js(const Napi::Value& value, const Place& place, std::int64_t least, std::int64_t most);

/** A number of a file or a device, which is a bigint (fs.Stats with `bigint`). */
std::uint64_t unsigned_from_bigint(const Napi::Value& value, const Place& place);

/** A number that native code takes from kLeast to kMost. */
template <std::integral Number, Number kLeast, Number kMost>
struct Integer {
  Number value;

  // It converts to its number. NOLINTNEXTLINE(google-explicit-constructor)
  constexpr operator Number() const noexcept { return value; }
};

/** The number -1 stands for "leave it as it is" (setresuid(2), setresgid(2)). */
using UserId = Integer<std::uint32_t, 0, std::numeric_limits<std::uint32_t>::max() - 1>;

/** A boolean. No other value is true or false here. */
bool boolean_from_js(const Napi::Value& value, const Place& place);

/** A text that may have NUL characters. */
std::string any_text_from_js(const Napi::Value& value, const Place& place);

/** A text for the kernel, which would read it up to the first NUL character. */
std::string text_from_js(const Napi::Value& value, const Place& place);

/** The bytes of a Uint8Array, copied. */
std::vector<std::byte> bytes_from_js(const Napi::Value& value, const Place& place);

/** A signal by its number or its name. */
int signal_from_js(const Napi::Value& value);

Napi::Function function_from_js(const Napi::Value& value, const Place& place);

/** An array, and no proxy of one. */
Napi::Array array_from_js(const Napi::Value& value, const Place& place, std::size_t least, std::size_t most);

/** Reads a `Value` of native code, for lists and for the arguments of calls. A number is read as an `Integer`, which
 * has a range.
 */
template <class Value>
struct Reader;
template <std::integral Number, Number kLeast, Number kMost>
struct Reader<Integer<Number, kLeast, kMost>> {
  static Integer<Number, kLeast, kMost> read(const Napi::Value& value, const Place& place) {
    return {static_cast<Number>(whole_number_from_js(value, place, kLeast, kMost))};
  }
};
template <>
struct Reader<bool> {
  static bool read(const Napi::Value& value, const Place& place) { return boolean_from_js(value, place); }
};
template <>
struct Reader<std::string> {
  static std::string read(const Napi::Value& value, const Place& place) { return text_from_js(value, place); }
};

template <class Value>
Value value_from_js(const Napi::Value& value, const Place& place) {
  return Reader<Value>::read(value, place);
}

/** `read(element, place)` makes each one. A list that is longer than `most` is refused before an element is read. */
template <class Read>
auto list_from_js(const Napi::Value& value, const Place& place, std::size_t most, Read read) {
  const auto list = array_from_js(value, place, 0, most);
  std::vector<std::invoke_result_t<Read, Napi::Value, Place>> values;
  const std::uint32_t length = list.Length();
  values.reserve(length);
  for (std::uint32_t at = 0; at < length; ++at)
    values.push_back(read(list.Get(at), Place{.call = place.call, .name = place.name, .element = at}));
  return values;
}

template <class Value>
std::vector<Value> list_of(const Napi::Value& value, const Place& place, std::size_t most) {
  return list_from_js(value, place, most, value_from_js<Value>);
}

/** An object whose members are read by their names. */
class Members {
 public:
  Members(const Napi::Value& value, const Place& place);

  [[nodiscard]] Place at(const char* name) const { return {.call = call_, .name = name}; }
  /** To be called once for each name. */
  [[nodiscard]] Napi::Value get(const char* name) const { return object_.Get(name); }
  template <class Value>
  [[nodiscard]] Value read(const char* name) const {
    return value_from_js<Value>(get(name), at(name));
  }
  /** Empty if the member is undefined. */
  template <class Value>
  [[nodiscard]] std::optional<Value> read_if_any(const char* name) const {
    const Napi::Value found = get(name);
    return found.IsUndefined() ? std::nullopt : std::optional(value_from_js<Value>(found, at(name)));
  }

 private:
  Napi::Object object_;
  const char* call_;
};

}  // namespace buildjail
