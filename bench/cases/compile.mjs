// A real compile, jailed and bare: as many C files as a small project has, one compiler a file.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { build, planOf } from '../../dist/index.js'
import { NotMeasured } from '../measure/not-measured.mjs'
import { action, takeTurns } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { sourceText } from './compile-source.mjs'
import { folder } from './folders.mjs'

// Folders come as arguments, so that the script is the same inside and outside.
const script = 'for file in "$1"/*.c; do cc -O1 -c -o "$2/$(basename "$file" .c).o" "$file" || exit 1; done'

export const compile = {
  name: 'compile',
  title: 'a compile of 100 C files by one shell script, a compiler a file',
  async run(bench) {
    const { error, stdout } = spawnSync('cc', ['--version'], { encoding: 'utf8' })
    if (error !== undefined) throw new NotMeasured('there is no cc')
    const files = bench.isQuick ? 10 : 100
    const [source, output, bareOutput] = ['source', 'output', 'bare-output'].map((name) => folder(bench, name))
    for (let file = 0; file < files; file += 1) writeFileSync(path.join(source, `part${file}.c`), sourceText(file))
    const plan = planOf({ inputs: { source }, output })
    const line = (from, to) => ['sh', '-c', script, 'sh', from, to]
    const [shell, ...bare] = line(source, bareOutput)
    const taken = await takeTurns(
      {
        'build(plan)': action(() => build(plan, line('/inputs/source', '/output'))),
        'child_process.spawn': action(() => spawnToEnd(shell, bare)),
      },
      { samples: bench.isQuick ? 3 : bench.isEmulated ? 6 : 20, perBlock: 1, warmUp: bench.warmUp, onTurn: bench.progress },
    )
    const subjects = Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples }))
    return { subjects, note: `${files} files each time, by ${stdout.split('\n', 1)[0]}` }
  },
}
