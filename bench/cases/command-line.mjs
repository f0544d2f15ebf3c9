// The command line against the runtime that it is started by: a process each, in turns.
import { fileURLToPath } from 'node:url'

import { action, takeTurns } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { subjectsOf } from './own-program.mjs'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

export const commandLine = {
  name: 'command-line',
  title: '`buildjail run true` as a process, and `node -e 0`',
  async run(bench) {
    // With it Node reads certificates before anything else, which would be most of what is measured.
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
    const run = (...words) => action(() => spawnToEnd(process.execPath, words, { env }))
    const subjects = { 'buildjail run true': run(main, 'run', 'true'), 'node -e 0': run('-e', '0') }
    // The first keeps its compiled code for the others.
    const taken = await takeTurns(subjects, { samples: bench.isQuick ? 10 : 200, perBlock: 1, warmUp: 3 })
    return { subjects: subjectsOf(taken) }
  },
}
