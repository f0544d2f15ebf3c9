// `node embed.mjs PROGRAM HEADER`: the bytes of a program as the elements of a C++ array.
import { readFileSync, writeFileSync } from 'node:fs'

const [program, header] = process.argv.slice(2)
const bytes = [...readFileSync(program)].map(String)
const lines = []
while (bytes.length > 0) lines.push(bytes.splice(0, 32).join(', '))
writeFileSync(header, `${lines.join(',\n')}\n`)
