#include "binding/from_js.h"

#include <cerrno>
#include <cmath>
#include <csignal>
#include <span>

#include "base/result.h"
#include "base/signals.h"
#include "binding/to_js.h"

namespace buildjail {

namespace {

/** What a value is, in a word or two. It runs no JavaScript: the conversion of an object could. */
std::string in_words(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_number: {
      const double number = value.As<Napi::Number>().DoubleValue();
      return number == 0 && std::signbit(number) ? "-0" : value.ToString().Utf8Value();
    }
    case napi_boolean:
      return value.As<Napi::Boolean>() ? "true" : "false";
    case napi_string:
      return "a text";
    case napi_bigint:
      return "a bigint";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    default:
      return value.IsArray() ? "a list" : "an object";
  }
}

std::string whole_number_of(std::int64_t least, std::int64_t most) {
  return std::string("a whole number of ") + std::to_string(least) + " to " + std::to_string(most);
}

}  // namespace

std::string Place::entry() const {
  const std::string of(name);
  return element == kNoElement ? of : of + '[' + std::to_string(element) + ']';
}

void refuse(Napi::Env env, const Place& place, const std::string& why) {
  const std::string entry = place.entry();
  const Napi::Value failure =
      error_to_js(env, SysError{.step = "check", .syscall = place.call, .err = EINVAL, .detail = entry + ' ' + why});
  failure.As<Napi::Object>().Set("entry", entry);
  throw Napi::Error(env, failure);
}

void refuse_value(const Napi::Value& value, const Place& place, const std::string& what) {
  refuse(value.Env(), place, "is " + what + ", which " + in_words(value) + " is not");
}

std::int64_t whole_number_from_js(const Napi::Value& value, const Place& place, std::int64_t least, std::int64_t most) {
  constexpr double kMostExact = 9007199254740991;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  // defence: number-whole-own-range
  if (!(std::abs(number) <= kMostExact) || std::trunc(number) != number || (number == 0 && std::signbit(number)) ||
      static_cast<std::int64_t>(number) < least || static_cast<std::int64_t>(number) > most)
    refuse_value(value, place, whole_number_of(least, most));
  return static_cast<std::int64_t>(number);
}

std::int64_t big_number_from_js(const Napi::Value& value, const Place& place, std::int64_t least, std::int64_t most) {
  if (!value.IsBigInt()) return whole_number_from_js(value, place, least, most);
  bool is_whole = false;
  const std::int64_t number = value.As<Napi::BigInt>().Int64Value(&is_whole);
  if (!is_whole || number < least || number > most) refuse_value(value, place, whole_number_of(least, most));
  return number;
}

std::uint64_t unsigned_from_bigint(const Napi::Value& value, const Place& place) {
  bool is_whole = false;
  const std::uint64_t number = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&is_whole) : 0;
  if (!is_whole) refuse_value(value, place, "a bigint of 0 to 2^64 - 1");
  return number;
}

bool boolean_from_js(const Napi::Value& value, const Place& place) {
  if (!value.IsBoolean()) refuse_value(value, place, "true or false");
  return value.As<Napi::Boolean>();
}

std::string any_text_from_js(const Napi::Value& value, const Place& place) {
  if (!value.IsString()) refuse_value(value, place, "a text");
  return value.As<Napi::String>().Utf8Value();
}

std::string text_from_js(const Napi::Value& value, const Place& place) {
  std::string text = any_text_from_js(value, place);
  // defence: text-ends-where-kernel
  if (text.find('\0') != std::string::npos) refuse(value.Env(), place, "must not hold a NUL character");
  return text;
}

std::vector<std::byte> bytes_from_js(const Napi::Value& value, const Place& place) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    refuse_value(value, place, "a Uint8Array");
  const auto array = value.As<Napi::Uint8Array>();
  const auto bytes = std::as_bytes(std::span(array.Data(), array.ByteLength()));
  return {bytes.begin(), bytes.end()};
}

int signal_from_js(const Napi::Value& value) {
  const Place place{.call = "kill", .name = "signal"};
  if (!value.IsString()) return static_cast<int>(whole_number_from_js(value, place, 1, SIGRTMAX));
  const int signal = signal_number(text_from_js(value, place));
  if (signal == 0) refuse(value.Env(), place, "must be the name of a signal");
  return signal;
}

Napi::Function function_from_js(const Napi::Value& value, const Place& place) {
  if (!value.IsFunction()) refuse_value(value, place, "a function");
  return value.As<Napi::Function>();
}

Napi::Array array_from_js(const Napi::Value& value, const Place& place, std::size_t least, std::size_t most) {
  if (!value.IsArray()) refuse_value(value, place, "a list");
  const auto list = value.As<Napi::Array>();
  const std::uint32_t length = list.Length();
  // defence: list-no-longer-kernel
  if (length < least || length > most) {
    refuse(value.Env(), place,
           "has " + std::to_string(length) + " elements, of " + std::to_string(least) + " to " + std::to_string(most));
  }
  return list;
}

Members::Members(const Napi::Value& value, const Place& place) : call_(place.call) {
  if (!value.IsObject()) refuse_value(value, place, "an object");
  object_ = value.As<Napi::Object>();
}

}  // namespace buildjail
