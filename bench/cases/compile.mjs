// A real compile, jailed and bare: as many C files as a small project has, one compiler a file.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { build, planOf } from '../../dist/index.js'
import { NotMeasured } from '../measure/available.mjs'
import { action, takeTurns } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { folder } from './folders.mjs'
import { subjectsOf } from './own-program.mjs'

// Folders come as arguments, so that the script is the same inside and outside.
const script = 'for source in "$1"/*.c; do cc -O1 -c -o "$2/$(basename "$source" .c).o" "$source" || exit 1; done'

export const compile = {
  name: 'compile',
  title: 'a compile of C files by a shell script, a compiler a file',
  isBrief: true,
  async run(bench) {
    const { error, stdout } = spawnSync('cc', ['--version'], { encoding: 'utf8' })
    if (error !== undefined) throw new NotMeasured('there is no cc')
    const files = bench.isQuick ? 5 : 20
    const [source, output, bareOutput] = ['source', 'output', 'bare-output'].map((name) => folder(bench, name))
    for (let file = 0; file < files; file += 1) writeFileSync(path.join(source, `part${file}.c`), sourceText(file))
    const plan = planOf({ inputs: { source }, output })
    const subjects = {
      'build(plan)': action(() => build(plan, ['sh', '-c', script, 'sh', '/inputs/source', '/output'])),
      'child_process.spawn': action(() => spawnToEnd('sh', ['-c', script, 'sh', source, bareOutput])),
    }
    const taken = await takeTurns(subjects, { samples: bench.isQuick ? 4 : 100, perBlock: 1 })
    return { subjects: subjectsOf(taken), note: `${files} files each time, by ${stdout.split('\n', 1)[0]}` }
  },
}

/** A C file as a small project has them: headers of the system and some functions. No two are the same. */
function sourceText(number) {
  const functions = Array.from({ length: 40 }, (_, index) => `size_t count_${number}_${index}(const char *text, FILE *to) {
  unsigned long hash = ${number * 100 + index}; for (size_t i = 0; i < strlen(text); i++) hash = hash * 33 ^ (unsigned char)tolower((unsigned char)text[i]);
  return fprintf(to, "%lx %s\\n", hash, text) < 0 ? 0 : hash % ${61 + index};
}
`)
  return `#include <ctype.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n${functions.join('')}`
}
