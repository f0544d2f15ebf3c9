// A real compile, jailed and bare: of the floor program's files, one compiler a file.
import { spawnSync } from 'node:child_process'
import path from 'node:path'

import { build, planOf } from '../../dist/index.js'
import { flags, floorSources } from '../floor/compile.mjs'
import { NotMeasured } from '../measure/not-measured.mjs'
import { action } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { folder } from './folders.mjs'

const sources = floorSources(process.platform)
const source = path.dirname(sources[0])
const names = sources.map((file) => path.basename(file))
// Folders come as arguments, so that the script is the same inside and outside.
const script = `for file in ${names.join(' ')}; do cc ${flags(process.platform).join(' ')} -c -o "$2/$file.o" "$1/$file" || exit 1; done`

export const compile = {
  name: 'compile',
  title: `a compile of ${names.length} C files by a shell script, a compiler a file`,
  isBrief: true,
  settings: { samples: 100, perBlock: 1, warmUp: 0 },
  subjects(bench) {
    if (spawnSync('cc', ['--version']).error !== undefined) throw new NotMeasured('there is no cc')
    const [output, bareOutput] = ['output', 'bare-output'].map((name) => folder(bench, name))
    const plan = planOf({ inputs: { source }, output })
    return {
      'build(plan)': () => action(() => build(plan, ['sh', '-c', script, 'sh', '/inputs/source', '/output'])),
      'child_process.spawn': () => action(() => spawnToEnd('sh', ['-c', script, 'sh', source, bareOutput])),
    }
  },
}
