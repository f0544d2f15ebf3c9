#pragma once

#include <string>

namespace buildjail {

/** A line of a journal: of which part of a session it tells, what of that, and the value. The first two have no space. */
struct Fact {
  std::string part;
  std::string key;
  std::string value;
};

}  // namespace buildjail
