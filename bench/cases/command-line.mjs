// The command line against the runtime that it is started by: a process each, in turns.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { action, repeated, timed } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
// With it Node reads certificates before anything else, which would be most of what is measured.
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
const started = (...words) => action(() => spawnToEnd(process.execPath, words, { env }))
const [folders, perFolder] = [400, 50]

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

export const hereCommand = {
  name: 'here',
  title: `\`buildjail run --here true\` in a project of ${folders * perFolder} files, and \`node -e 0\``,
  settings: { samples: 100, perBlock: 1, warmUp: 3 },
  subjects() {
    const project = mkdtempSync(path.join(tmpdir(), 'buildjail-bench-here-'))
    writeFileSync(path.join(project, 'package.json'), '{}')
    for (let folder = 0; folder < folders; folder += 1) {
      const at = path.join(project, String(folder % 20), String(folder))
      mkdirSync(at, { recursive: true })
      for (let file = 0; file < perFolder; file += 1) writeFileSync(path.join(at, `${file}.js`), '')
    }
    const inProject = (...words) => () => timed(() => spawnToEnd(process.execPath, words, { env, cwd: project }))
    return {
      'buildjail run --here true': () => ({
        take: (count) => repeated(inProject(main, 'run', '--here', 'true'), count),
        end: () => rmSync(project, { recursive: true }),
      }),
      'node -e 0': () => started('-e', '0'),
    }
  },
}
