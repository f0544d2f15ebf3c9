// A real compile, jailed and bare: as many C files as a small project has, one compiler a file.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { openSession, planOf } from '../../dist/index.js'
import { NotMeasured } from '../measure/not-measured.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { sourceText } from './compile-source.mjs'
import { folder } from './folders.mjs'

// Folders come as arguments, so that the script is the same inside and outside.
const script = 'from=$1 to=$2; shift 2; for part; do cc -O1 -c -o "$to/$part.o" "$from/$part.c" || exit 1; done'

export const compile = {
  name: 'compile',
  title: 'a compile of 100 C files by shell scripts, a compiler a file',
  async run(bench) {
    const { error, stdout } = spawnSync('cc', ['--version'], { encoding: 'utf8' })
    if (error !== undefined) throw new NotMeasured('there is no cc')
    const parts = Array.from({ length: bench.isQuick ? 10 : 100 }, (_, index) => `part${index}`)
    const [source, output, bareOutput] = ['source', 'output', 'bare-output'].map((name) => folder(bench, name))
    for (const [index, part] of parts.entries()) writeFileSync(path.join(source, `${part}.c`), sourceText(index))
    const plan = planOf({ inputs: { source }, output })
    const bare = (some) => {
      const [shell, ...rest] = compiling(source, bareOutput, some)
      return spawnToEnd(shell, rest)
    }
    const samples = bench.isQuick ? 3 : bench.isEmulated ? 6 : 20
    const taken = { session: [], 'child_process.spawn': [] }
    const lots = lotsOf(parts, parts.length / lotCount)
    await compiledBothWays(plan, bare, lots.slice(0, 1))
    for (let sample = 1; sample <= samples; sample += 1) {
      const times = await compiledBothWays(plan, bare, lots)
      for (const [name, some] of Object.entries(taken)) some.push(times[name])
      bench.progress(sample, samples)
    }
    const subjects = Object.entries(taken).map(([name, some]) => ({ name, unit: 'ms', samples: some }))
    // Each sample is a round: both ways met the same machine in it.
    return { subjects, rounds: samples, note: `${parts.length} files each time, by ${stdout.split('\n', 1)[0]}` }
  },
}

const lotCount = 10

const compiling = (from, to, parts) => ['sh', '-c', script, 'sh', from, to, ...parts]

/**
 * What all lots take jailed, with the session's opening and closing, and bare. A lot is compiled one way right after the other,
 * and each way is first in turn: a machine that gets slower for some seconds does so for both.
 */
async function compiledBothWays(plan, bare, lots) {
  const times = { session: 0, 'child_process.spawn': 0 }
  const timed = async (name, run) => {
    const began = performance.now()
    const result = await run()
    times[name] += performance.now() - began
    return result
  }
  const session = await timed('session', () => openSession(plan))
  for (const [index, lot] of lots.entries()) {
    const ways = [
      () => timed('session', () => session.run(compiling('/inputs/source', '/output', lot))),
      () => timed('child_process.spawn', () => bare(lot)),
    ]
    for (const way of index % 2 === 0 ? ways : ways.reverse()) await way()
  }
  await timed('session', () => session.close())
  return times
}

function lotsOf(all, size) {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, lot) => all.slice(lot * size, (lot + 1) * size))
}
