// rexec, the client of remote-apis-sdks: one command, as a remote action.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { actionPlatform } from './configuration.mjs'

const run = promisify(execFile)

/** How long an action may take, with all that is done for it, in milliseconds. */
const longest = 60_000

const listed = (entries) => Object.entries(entries).map(([name, value]) => `${name}=${value}`).join(',')

export class Client {
  #rexec
  #always

  /**
   * @param {string} rexec
   * @param {{ address: string, logs: string, variables: Readonly<Record<string, string>> }} more `logs` is the folder for its own
   */
  constructor(rexec, { address, logs, variables }) {
    this.#rexec = rexec
    const place = ['--service', address, '--service_no_security', '--log_dir', logs, '--stderrthreshold', 'FATAL']
    // Each action is to run, however often it was run before.
    this.#always = [...place, '--platform', listed(actionPlatform), '--environment_variables', listed(variables), '--accept_cached=false', '--do_not_cache']
  }

  /**
   * Outputs are put into the root.
   * @param {readonly string[]} command
   * @param {{ root: string, inputs?: readonly string[], outputs?: readonly string[], timeout?: string }} more
   * @returns {Promise<{ exitCode: number | undefined, stdout: string, stderr: string, problem: string | undefined }>}
   */
  async act(command, { root, inputs = [], outputs = [], timeout = '0' }) {
    const asks = ['--exec_root', root, '--inputs', inputs.join(','), '--output_files', outputs.join(','), '--exec_timeout', timeout]
    const said = await run(this.#rexec, [...this.#always, ...asks, '--', ...command], { timeout: longest, killSignal: 'SIGKILL' })
    // It ends with 0 whatever came of the action, and says that in its last line.
    const [, stderr, problem] = /^(.*?)(?:(Remote [^\n]*|Local error[^\n]*)\n)?$/s.exec(said.stderr)
    const exitCode = problem === undefined ? '0' : /^Remote action FAILED with exit code (-?\d+)\.$/.exec(problem)?.[1]
    return { exitCode: exitCode === undefined ? undefined : Number(exitCode), stdout: said.stdout, stderr, problem }
  }
}
