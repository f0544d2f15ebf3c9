// `npm run sees:docs:freebsd`: writes what a session in a FreeBSD guest has into docs/what-your-build-sees.md.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { withHalf } from './document.mjs'

const at = (name) => fileURLToPath(new URL(name, import.meta.url))
const file = at('../../docs/what-your-build-sees.md')
const child = spawn(process.execPath, [at('../freebsd/run.mjs'), '--', 'bun scripts/sees/main.mjs --print'], { stdio: ['ignore', 'pipe', 'inherit'] })
process.exitCode = 1
for await (const line of createInterface({ input: child.stdout })) {
  const [, half] = /^SEEN (".*")\s*$/.exec(line) ?? []
  if (half === undefined) continue
  writeFileSync(file, withHalf(readFileSync(file, 'utf8'), 'freebsd', JSON.parse(half)))
  process.exitCode = 0
}
