// Cold sessions against FreeBSD's own tools, in one run. Prints milliseconds, which are this machine's, and their ratio,
// which is the claim; exits 1 when it does not hold.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { build, planOf, preflight } from '../dist/index.js'
import { printSamples, quantile, sampleInTurn } from './samples.mjs'

const bar = 12
const shellSession = fileURLToPath(new URL('peers/shell-session.sh', import.meta.url))

const { isSupported, obstacles } = preflight()
if (!isSupported || process.platform !== 'freebsd') {
  for (const { problem, remedy } of obstacles) console.error(`bench: ${problem}; ${remedy}`)
  if (isSupported) console.error('bench: the comparison with the shell prototype runs on FreeBSD')
  process.exit(1)
}

const top = mkdtempSync(path.join(tmpdir(), 'buildjail-bench-'))
try {
  const [input, output, root] = ['input', 'output', 'root'].map((name) => path.join(top, name))
  for (const folder of [input, output, root]) mkdirSync(folder)
  const blocks = process.argv.includes('--quick') ? 2 : 10
  const perBlock = 20
  const spec = { inputs: { src: input }, output }
  // Made once, as the script's is written down once.
  const plan = planOf(spec)
  const samples = await sampleInTurn(
    {
      'from a plan': () => build(plan, ['true']),
      'from a spec': () => build(spec, ['true']),
      'shell prototype': () => {
        const { status, stderr } = spawnSync(shellSession, [root, input, output, 'true'], { encoding: 'utf8' })
        if (status !== 0) throw new Error(`the shell prototype failed (${status}): ${stderr}`)
      },
    },
    { blocks, perBlock, onBlock: (block) => process.stderr.isTTY && process.stderr.write(`\rblock ${block} of ${blocks}`) },
  )
  console.log(`cold session running \`true\`: 1 input, 1 output, host toolchain; ${blocks * perBlock} samples each, in turn`)
  printSamples(samples)
  const ratio = quantile(samples['shell prototype'], 0.5) / quantile(samples['from a plan'], 0.5)
  const holds = ratio >= bar
  console.log(`  from a plan, faster than the shell prototype by ${ratio.toFixed(1)} (bar: at least ${bar}): ${holds ? 'holds' : 'does not hold'}`)
  process.exitCode = holds || process.argv.includes('--no-bars') ? 0 : 1
} finally {
  rmSync(top, { recursive: true, force: true })
}
