// `node embed.mjs PROGRAM SOURCE`: writes a program's bytes as C++ source, the definition of init_bytes() in init.h.
import { readFileSync, writeFileSync } from 'node:fs'

const [program, source] = process.argv.slice(2)
const bytes = [...readFileSync(program)]
const lines = []
while (bytes.length > 0) lines.push(`    ${bytes.splice(0, 24).join(', ')},`)
writeFileSync(
  source,
  `#include "linux/init.h"

#include <array>

namespace buildjail {

namespace {

constexpr auto kBytes = std::to_array<std::uint8_t>({
${lines.join('\n')}
});

}  // namespace

std::span<const std::uint8_t> init_bytes() { return kBytes; }

}  // namespace buildjail
`,
)
