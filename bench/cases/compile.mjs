// A real compile, jailed and bare: as many C files as a small project has, one compiler a file.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'

import { openSession, planOf } from '../../dist/index.js'
import { NotMeasured } from '../measure/not-measured.mjs'
import { sourceText } from './compile-source.mjs'
import { folder } from './folders.mjs'

// Folders come as arguments, so that the script is the same inside and outside; and the names of files when it is their turn.
const script = 'while read -r part; do cc -O1 -c -o "$2/$part.o" "$1/$part.c" || exit 1; echo "$part"; done'

export const compile = {
  name: 'compile',
  title: 'a compile of 100 C files by a shell script, a compiler a file',
  async run(bench) {
    const { error, stdout } = spawnSync('cc', ['--version'], { encoding: 'utf8' })
    if (error !== undefined) throw new NotMeasured('there is no cc')
    const parts = Array.from({ length: bench.isQuick ? 10 : 100 }, (_, index) => `part${index}`)
    const [source, output, bareOutput] = ['source', 'output', 'bare-output'].map((name) => folder(bench, name))
    for (const [index, part] of parts.entries()) writeFileSync(path.join(source, `${part}.c`), sourceText(index))
    const plan = planOf({ inputs: { source }, output })
    const samples = bench.isQuick ? 3 : bench.isEmulated ? 6 : 20
    const taken = { session: [], 'child_process.spawn': [] }
    const compileBothWays = (some) => compiledBothWays(plan, [source, bareOutput], some)
    await compileBothWays(parts.slice(0, 10))
    for (let sample = 1; sample <= samples; sample += 1) {
      const times = await compileBothWays(parts)
      for (const [name, some] of Object.entries(taken)) some.push(times[name])
      bench.progress(sample, samples)
    }
    const subjects = Object.entries(taken).map(([name, some]) => ({ name, unit: 'ms', samples: some }))
    // Each sample is a round: both ways met the same machine in it.
    return { subjects, rounds: samples, note: `${parts.length} files each time, by ${stdout.split('\n', 1)[0]}` }
  },
}

/**
 * What all files take jailed, with the session's opening and closing, and bare. A file is compiled one way right after the
 * other, and each way is first in turn: a machine that gets slower for some seconds does so for both.
 */
async function compiledBothWays(plan, bareFolders, parts) {
  const times = { session: 0, 'child_process.spawn': 0 }
  const timed = async (name, run) => {
    const began = performance.now()
    const result = await run()
    times[name] += performance.now() - began
    return result
  }
  const session = await timed('session', () => openSession(plan))
  const stdio = ['pipe', 'pipe', 'inherit']
  const jailed = await timed('session', () => compilerOf(session.spawn(['sh', '-c', script, 'sh', '/inputs/source', '/output'], { stdio })))
  const bare = await timed('child_process.spawn', () => compilerOf(spawn('sh', ['-c', script, 'sh', ...bareFolders], { stdio })))
  for (const [index, part] of parts.entries()) {
    const ways = [() => timed('session', () => jailed.compile(part)), () => timed('child_process.spawn', () => bare.compile(part))]
    for (const way of index % 2 === 0 ? ways : ways.reverse()) await way()
  }
  await timed('child_process.spawn', () => bare.end())
  await timed('session', () => jailed.end())
  await timed('session', () => session.close())
  return times
}

/** The script at work, which says the name of each file that it has compiled. */
function compilerOf(child) {
  const closed = once(child, 'close')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async compile(part) {
      child.stdin.write(`${part}\n`)
      const { value } = await lines.next()
      if (value !== part) throw new Error(`${part} was not compiled`)
    },
    async end() {
      child.stdin.end()
      const [status, signal] = await closed
      if (status !== 0) throw new Error(`the script failed (${signal ?? status})`)
    },
  }
}
