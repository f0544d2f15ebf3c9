// `npm run bench:runner [-- --actions 200] [--json FILE]`: what the runner adds to an action, against spawning it in the same folder: `true`, a compile, and `true` in a
// folder of 1,000 inputs, at concurrency 1, 2 and 8. What the worker does on the disk before and after is not counted.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { credentials } from '@grpc/grpc-js'

import { RunnerClient } from '../dist/protocol/services.js'
import { layOut, requestOf } from '../scripts/laid-out.mjs'

const { values } = parseArgs({ options: { actions: { type: 'string', default: '200' }, json: { type: 'string' } } })
const most = Number(values.actions)
/** So many before, for what is made once. */
const warmUp = 20
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))

const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-bench-runner-')))
chmodSync(top, 0o755)
const [builds, cache, socket] = ['builds', 'cache', 'runner.sock'].map((name) => path.join(top, name))
mkdirSync(builds, { mode: 0o700 })
mkdirSync(cache)
const cached = (name, text) => {
  writeFileSync(path.join(cache, name), text, { mode: 0o444 })
  return path.join(cache, name)
}

const source = cached('main.c', '#include <stdio.h>\n#include <stdlib.h>\nint main(int argc, char** argv) { return printf("%d %s\\n", argc, argv[0]) > 0 ? EXIT_SUCCESS : EXIT_FAILURE; }\n')
const thousand = Array.from({ length: 1000 }, (_, index) => [`d${index % 20}/file${index}`, cached(`file${index}`, `${index}\n`)])
const cases = {
  true: { command: ['true'], inputs: [], share: 1 },
  'cc -c': { command: ['cc', '-O1', '-c', 'main.c', '-o', 'main.o'], inputs: [['main.c', source]], share: 0.4 },
  '1,000 inputs': { command: ['true'], inputs: thousand, share: 0.2 },
}
let count = 0

function lay(inputs) {
  count += 1
  const name = count.toString(16).padStart(16, '0')
  return { name, root: path.join(layOut(builds, name, inputs), 'root') }
}

const environment = { PATH: '/usr/local/bin:/usr/bin:/bin' }

/** Has all of them run, so many at a time; returns the milliseconds of each. */
async function lanes(concurrency, laid, one) {
  const times = []
  const waiting = [...laid]
  const began = performance.now()
  const lane = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const started = performance.now()
      await one(next)
      times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return { times, perSecond: times.length / ((performance.now() - began) / 1000) }
}

/** On the disk before anything is measured, and gone after. */
async function prepared({ inputs, share }, measure) {
  const laid = Array.from({ length: Math.ceil(most * share) }, () => lay(inputs))
  try {
    return await measure(laid)
  } finally {
    for (const { name } of laid) rmSync(path.join(builds, name), { recursive: true })
  }
}

const p50 = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)]
const rounded = (number) => Math.round(number * 100) / 100

function bare(concurrency, action) {
  const [file, ...words] = action.command
  return prepared(action, (laid) =>
    lanes(concurrency, laid, async ({ root }) => {
      const [status] = await once(spawn(file, words, { cwd: root, env: environment, stdio: 'ignore' }), 'exit')
      if (status !== 0) throw new Error(`${file} ended with ${status}`)
    }),
  )
}

async function served(concurrency, action) {
  const { command } = action
  const config = path.join(top, 'runner.json')
  writeFileSync(config, JSON.stringify({ socket, buildDirectory: builds, concurrency, serverLogs: 'none' }))
  const runner = spawn(process.execPath, [program, '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] })
  const phases = []
  const ready = new Promise((resolve) => {
    createInterface(runner.stdout).on('line', (line) => {
      const { msg, ms } = JSON.parse(line)
      if (msg === 'ready') resolve()
      if (msg === 'action') phases.push(ms)
    })
  })
  await ready
  const client = new RunnerClient(`unix:${socket}`, credentials.createInsecure())
  const one = async ({ name }) => {
    const { exitCode } = await new Promise((resolve, reject) => client.Run(requestOf(name, command, environment), (error, answer) => (error === null ? resolve(answer) : reject(error))))
    if (exitCode !== 0) throw new Error(`${command[0]} ended with ${exitCode}`)
  }
  await prepared({ ...action, share: warmUp / most }, (laid) => lanes(1, laid, one))
  phases.length = 0
  const measured = await prepared(action, (laid) => lanes(concurrency, laid, one))
  client.close()
  const exit = once(runner, 'exit')
  runner.kill('SIGTERM')
  await exit
  const phase = (name) => phases.map((ms) => ms[name])
  const sums = phases.map(({ acquire, run, close }) => acquire + run + close)
  return { ...measured, acquire: p50(phase('acquire')), run: p50(phase('run')), close: p50(phase('close')), rest: p50(measured.times) - p50(sums) }
}

const results = []
try {
  for (const [name, action] of Object.entries(cases)) {
    for (const concurrency of [1, 2, 8]) {
      const plain = await bare(concurrency, action)
      const runs = await served(concurrency, action)
      results.push({
        case: name,
        concurrency,
        'spawn, actions/s': Math.round(plain.perSecond),
        'runner, actions/s': Math.round(runs.perSecond),
        'spawn, ms': rounded(p50(plain.times)),
        'runner, ms': rounded(p50(runs.times)),
        acquire: rounded(runs.acquire),
        run: rounded(runs.run),
        close: rounded(runs.close),
        'gRPC and the rest': rounded(runs.rest),
      })
      console.error(`${name}, ${concurrency} at a time: done`)
    }
  }
} finally {
  rmSync(top, { recursive: true, force: true })
}
console.log(`${process.platform} ${release()}, ${process.versions.bun === undefined ? `node ${process.versions.node}` : `bun ${process.versions.bun}`}, ${availableParallelism()} x ${cpus()[0]?.model ?? '?'}; p50, milliseconds`)
console.table(results)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
