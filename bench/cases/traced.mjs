// What a trace costs: a compile of many small files, in sessions with and without one.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { build, planOf } from '../../dist/index.js'
import { NotMeasured } from '../measure/not-measured.mjs'
import { action } from '../measure/turns.mjs'
import { folder } from './folders.mjs'

const count = 1000
const script = 'for file in /inputs/source/*.c; do cc -c -o /output/a.o "$file" || exit 1; done'
const includes = ['stdio', 'stdlib', 'string', 'errno', 'unistd'].map((name) => `#include <${name}.h>\n`).join('')

export const traced = {
  name: 'traced',
  title: `a compile of ${count} C files, a compiler a file, with a trace of what it looks up and without`,
  systems: ['linux'],
  settings: { samples: 6, perBlock: 1, warmUp: 0 },
  subjects(bench) {
    if (spawnSync('cc', ['--version']).error !== undefined) throw new NotMeasured('there is no cc')
    const [source, output] = ['source', 'output'].map((name) => folder(bench, name))
    for (let index = 0; index < count; index += 1) writeFileSync(path.join(source, `f${index}.c`), `${includes}int f${index}(void) { return printf("%d", ${index}); }\n`)
    const spec = { inputs: { source }, output }
    const [plain, withTrace] = [planOf(spec), planOf({ ...spec, trace: true })]
    return {
      'with a trace': () => action(() => build(withTrace, ['sh', '-c', script])),
      'without': () => action(() => build(plain, ['sh', '-c', script])),
    }
  },
}
