// Cold sessions on Linux against bubblewrap, in one run. Prints milliseconds, which are this machine's, and their ratio,
// which is the claim; exits 1 when it does not hold.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { build, openSession, planOf, preflight } from '../dist/index.js'
import { bubblewrapArguments, runBubblewrap } from './peers/bubblewrap.mjs'
import { printSamples, quantile, sampleInTurn } from './samples.mjs'

const bar = 0.5
const inputCount = 10

const { isSupported, obstacles } = preflight()
const hasBubblewrap = spawnSync('bwrap', ['--version']).error === undefined
if (!isSupported || process.platform !== 'linux' || !hasBubblewrap) {
  for (const { problem, remedy } of obstacles) console.error(`bench: ${problem}; ${remedy}`)
  if (isSupported) console.error('bench: the comparison with bubblewrap runs on Linux, with bwrap installed (apt install bubblewrap)')
  process.exit(1)
}

const top = mkdtempSync(path.join(tmpdir(), 'buildjail-bench-'))
try {
  const blocks = process.argv.includes('--quick') ? 2 : 10
  const perBlock = 20
  const folder = (name) => {
    mkdirSync(path.join(top, name))
    return path.join(top, name)
  }
  const inputs = Object.fromEntries(Array.from({ length: inputCount }, (_, i) => [`in${i}`, folder(`in${i}`)]))
  const spec = { inputs, output: folder('output') }
  // Made once, as the arguments of bwrap are.
  const plan = planOf(spec)
  const args = bubblewrapArguments(plan, ['true'])
  const samples = await sampleInTurn(
    {
      'from a plan': () => build(plan, ['true']),
      'from a spec': () => build(spec, ['true']),
      bubblewrap: () => runBubblewrap(args),
    },
    { blocks, perBlock },
  )
  console.log(`cold session running \`true\`: ${inputCount} inputs, 1 output, host toolchain; ${blocks * perBlock} samples each, in turn`)
  printSamples(samples)
  const ratio = quantile(samples['from a plan'], 0.5) / quantile(samples.bubblewrap, 0.5)
  const holds = ratio <= bar
  console.log(`  from a plan, ${ratio.toFixed(2)} of bubblewrap (bar: at most ${bar}): ${holds ? 'holds' : 'does not hold'}`)

  const session = await openSession({ inputs })
  const commands = await sampleInTurn(
    {
      'session.run': () => session.run(['true']),
      'child_process.spawn': () => once(spawn('true', { stdio: ['ignore', 'pipe', 'pipe'] }), 'close'),
    },
    { blocks, perBlock },
  )
  await session.close()
  console.log('\none more command in an open session, running `true`')
  printSamples(commands)
  process.exitCode = holds || process.argv.includes('--no-bars') ? 0 : 1
} finally {
  rmSync(top, { recursive: true, force: true })
}
