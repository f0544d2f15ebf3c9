#pragma once

#include <string>

#include "base/unique_fd.h"
#include "linux/doubt.h"

namespace buildjail {

/**
 * The program that a script names, or the loader that an ELF program names, which the kernel opens with it (execve(2),
 * elf(5)); empty if it names neither.
 */
std::string interpreter_of(const UniqueFd& program, Doubt& doubt);

}  // namespace buildjail
