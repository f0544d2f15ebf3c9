// One ending for every script here: what this machine lacks is not a failure of the package, and not a success either.
import { findTool } from '../find-tool.mjs'

/** Exit status for "could not be run here", the one automake and its successors use for a skipped test. */
const NOT_RUN = 77

export class NotRun extends Error {}

/** The tool's path, or the name of the Debian package that has it. */
export function requireTool(name, debianPackage) {
  const file = findTool(name)
  if (file === undefined) throw new NotRun(`${name} was not found; it comes with Debian's package ${debianPackage}`)
  return file
}

/** Runs a script's main function; its number is the exit status. */
export async function runMain(main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    if (error instanceof NotRun) {
      console.error(`not run: ${error.message}`)
      process.exitCode = NOT_RUN
    } else {
      console.error(error instanceof Error && process.env.DEBUG === undefined ? `error: ${error.message}` : error)
      process.exitCode = 1
    }
  }
}
