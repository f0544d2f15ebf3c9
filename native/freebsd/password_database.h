#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace buildjail {

/**
 * What pwd_mkdb(8) makes of a passwd(5) for everybody to read: the C library looks users up in nothing else. It is a
 * table of hash(3), without passwords. The same text gives the same bytes. Lines that are no entry are passed over; of
 * two that have a name or a number in common, the first has it. Nothing where an entry is too long for the table.
 */
std::optional<std::string> password_database(std::string_view passwd);

}  // namespace buildjail
