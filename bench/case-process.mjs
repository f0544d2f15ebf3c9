// `case-process.mjs NAME SETTINGS`: one case in a process of its own. Prints a line of JSON for each step of its progress,
// and one with its result.
import { casesOn } from './cases/index.mjs'
import { NotMeasured } from './measure/not-measured.mjs'

const [name, settings] = process.argv.slice(2)
const { folder, floor, isQuick, isEmulated } = JSON.parse(settings)
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)

const bench = {
  folder,
  floor,
  isQuick,
  isEmulated,
  /** How many samples to take where as many as that are wanted. */
  samples: (wanted) => (isQuick ? Math.ceil(wanted / 10) : wanted),
  /** The same of what an emulated processor takes minutes for. */
  slowSamples: (wanted) => (isEmulated && !isQuick ? Math.ceil(wanted / 4) : bench.samples(wanted)),
  /** How many samples come before: a runtime compiles what is called often, and not at once. */
  warmUp: isQuick ? 0 : 200,
  /** In how many rounds they are taken, each by programs of its own. */
  rounds: (usual) => (isQuick ? Math.min(usual, 2) : usual),
  /** How many of them a subject takes in one turn. */
  perBlock: (usual) => (isQuick ? Math.min(usual, 4) : usual),
  progress: (done, of) => say({ progress: done / of }),
}

try {
  const found = casesOn(process.platform).find((one) => one.name === name)
  say({ result: await found.run(bench) })
} catch (error) {
  say(error instanceof NotMeasured ? { result: { notMeasured: error.message } } : { failed: error.stack ?? String(error) })
}
