// A zx script whose commands run in a session: they see this folder, and can write to `out`.
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'

import { openSession } from 'buildjail'
import { $ } from 'zx'

import { spawnIn } from './spawn-in.mjs'

const folder = process.cwd()
mkdirSync('out', { recursive: true })
const session = await openSession({ inputs: { [folder]: folder }, outputs: { [`${folder}/out`]: 'out' } })
try {
  $.spawn = spawnIn(session)
  const files = (await $`ls *.txt`).lines()
  await Promise.all(files.map((file) => $`tr a-z A-Z < ${file} > out/${file}`))
  const { stdout } = await $({ env: { ...process.env, WHO: 'zx' } })`cat out/*.txt; echo "$WHO, in $HOME"; test -e ${homedir()}/.ssh || echo 'no keys'`
  console.log(stdout.trimEnd())
  const failed = await $({ nothrow: true })`exit 7`
  console.log(`exit code ${failed.exitCode}`)
} finally {
  await session.close()
}
