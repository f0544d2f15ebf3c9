#pragma once

#include <string>

namespace buildjail {

/** A line of a journal: the part that it tells of, which fact of that, and its value. The first two have no space. */
struct Fact {
  std::string part;
  std::string key;
  std::string value;
};

}  // namespace buildjail
