// `case-process.mjs NAME SETTINGS`: one case in a process of its own. Prints a line of JSON with its result.
import { casesOn } from './cases/index.mjs'
import { NotMeasured } from './measure/available.mjs'

const [name, settings] = process.argv.slice(2)
const { folder, floor, isQuick } = JSON.parse(settings)

const bench = {
  folder,
  ...floor,
  isQuick,
  /** How many samples to take where as many as that are wanted. */
  samples: (wanted) => (isQuick ? Math.ceil(wanted / 10) : wanted),
  /** How many samples come before: a runtime compiles what is called often, and not at once. */
  warmUp: isQuick ? 0 : 200,
  /** In how many rounds they are taken, each by programs of its own. */
  rounds: (usual) => (isQuick ? Math.min(usual, 2) : usual),
  /** How many of them a subject takes in one turn. */
  perBlock: (usual) => (isQuick ? Math.min(usual, 4) : usual),
}

async function outcome() {
  try {
    return await casesOn(process.platform).find((one) => one.name === name).run(bench)
  } catch (error) {
    return error instanceof NotMeasured ? { notMeasured: error.message } : { failed: error.stack ?? String(error) }
  }
}

process.stdout.write(JSON.stringify(await outcome()))
