// A running Linux guest: boots, runs the commands of its script and says how they ended.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { atEnd } from '../guest/clean-up.mjs'
import { MARK, SerialConsole } from '../guest/serial-console.mjs'
import { linuxMachine } from './machine.mjs'

export class Guest {
  #qemu
  #answers
  #kernelLog
  #complaints = ''

  /** @param {Parameters<typeof linuxMachine>[0]} machine */
  constructor(machine) {
    const { file, args } = linuxMachine(machine)
    this.#kernelLog = machine.kernelLog
    this.#qemu = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#qemu.stderr.on('data', (chunk) => (this.#complaints += chunk))
    this.#answers = new SerialConsole(this.#qemu.stdout, this.#qemu.stdin)
    atEnd(() => this.stop())
  }

  async boot() {
    await this.#until(new RegExp(`${MARK}begin${MARK}`), { seconds: 300, what: 'end of the boot' })
  }

  /** What the commands say goes to stdout as it comes. Resolves with the status that the script tells. */
  async run({ seconds }) {
    const show = (text) => process.stdout.write(text, 'latin1')
    const [, status] = await this.#until(new RegExp(`${MARK}end (\\d+)${MARK}`), { seconds, what: 'end of the commands', show })
    return Number(status)
  }

  /** Pulls the plug: nothing that the guest wrote is kept. */
  stop() {
    this.#qemu.kill('SIGKILL')
  }

  async #until(pattern, options) {
    try {
      return await this.#answers.until(pattern, options)
    } catch (error) {
      const said = [this.#complaints, readLog(this.#kernelLog)].filter((text) => text !== '')
      throw new Error([error.message, ...said].join('\n'), { cause: error })
    }
  }
}

/** The end of what the kernel said. */
function readLog(file) {
  try {
    const log = readFileSync(file, 'latin1').replaceAll('\r', '').trim()
    return log === '' ? '' : `The guest's kernel said at last:\n${log.slice(-3000)}`
  } catch {
    // QEMU did not come that far.
    return ''
  }
}
