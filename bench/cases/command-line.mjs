// The command line against the runtime that it is started by: a process each, in turns.
import { fileURLToPath } from 'node:url'

import { action } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
// With it Node reads certificates before anything else, which would be most of what is measured.
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
const started = (...words) => action(() => spawnToEnd(process.execPath, words, { env }))

export const commandLine = {
  name: 'command-line',
  title: '`buildjail run true` as a process, and `node -e 0`',
  // The first keeps its compiled code for the others.
  settings: { samples: 200, perBlock: 1, warmUp: 3 },
  subjects: () => ({
    'buildjail run true': () => started(main, 'run', 'true'),
    'node -e 0': () => started('-e', '0'),
  }),
}
