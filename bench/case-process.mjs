// `case-process.mjs NAME BENCH`: one case in a process of its own. Prints a line of JSON with its result.
import { casesOn } from './cases/index.mjs'
import { NotMeasured } from './measure/not-measured.mjs'
import { inRounds } from './measure/turns.mjs'

async function outcome(name, bench) {
  const { settings, subjects, run = () => inRounds(bench, settings, () => subjects(bench)) } = casesOn(process.platform).find((one) => one.name === name)
  try {
    return await run(bench)
  } catch (error) {
    return error instanceof NotMeasured ? { notMeasured: error.message } : { failed: error.stack ?? String(error) }
  }
}

const [name, bench] = process.argv.slice(2)
const result = await outcome(name, JSON.parse(bench))
// A program that a failed case has left is not waited for.
process.stdout.write(JSON.stringify(result), () => process.exit())
