#pragma once

#include <optional>

#include "state/journal.h"
#include "state/lent_output.h"

namespace buildjail {

/** The part of the facts about lent outputs. */
inline constexpr const char* kLentOutput = "output";
Fact lent_fact(const LentOutput& output, const Lending& lending);

/** Empty for a fact that `lent_fact` does not make. */
std::optional<NotedOutput> noted_output(const Fact& fact);

}  // namespace buildjail
