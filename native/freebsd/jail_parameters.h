#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"

namespace buildjail {

/** A jail parameter this kernel knows, as it lists it under the sysctl security.jail.param. */
struct JailParameter {
  enum class Type : std::uint8_t { kBool, kInt, kUlong, kString, kJailsys, kIn4Addresses, kIn6Addresses } type;
  std::string name;
  /** Of a text that was measured: bytes that it can have, its NUL among them; else 0. */
  std::size_t longest = 0;
};

Result<std::vector<JailParameter>> list_jail_parameters();
/** The same, with the lengths of texts as far as the kernel tells them. */
Result<std::vector<JailParameter>> measured_jail_parameters();
const char* type_name(JailParameter::Type type);

/** jail_get(2) of everything the kernel knows of a jail. */
Result<std::vector<std::pair<std::string, ParameterValue>>> get_jail(int jid);

}  // namespace buildjail
