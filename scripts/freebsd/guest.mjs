// A running FreeBSD guest: boots, logs in as root on the serial console, runs one script from its payload.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as passing } from 'node:timers/promises'

import { atEnd } from '../guest/clean-up.mjs'
import { commandFile } from './payload.mjs'
import { qemuCommand } from './qemu.mjs'
import { MARK, SerialConsole } from '../guest/serial-console.mjs'

/** The package's folder in the guest. */
const folder = '/tmp/buildjail'

export class Guest {
  #disks
  #qemu
  #console
  #complaints = ''

  /** @param {Parameters<typeof qemuCommand>[0]} machine the first disk is the payload; all are unpacked in order */
  constructor(machine) {
    const { file, args } = qemuCommand(machine)
    this.#disks = machine.disks
    this.#qemu = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#qemu.stderr.on('data', (chunk) => (this.#complaints += chunk))
    this.#console = new SerialConsole(this.#qemu.stdout, this.#qemu.stdin)
    atEnd(() => this.#qemu.kill('SIGKILL'))
  }

  async logIn() {
    try {
      await this.#console.until(/login: /, { seconds: 600, what: 'login prompt' })
    } catch (error) {
      // A QEMU that refuses its arguments says why on stderr only.
      throw new Error(`${error.message}\n${this.#complaints}`, { cause: error })
    }
    this.#console.send('root\r')
    const [prompt] = await this.#console.until(/Password:|[#%$] ?$/, { seconds: 60, what: 'shell prompt' })
    if (prompt === 'Password:') {
      throw new Error('the image asks for a password of root; see scripts/freebsd/locate.mjs for images that do not')
    }
    // root's shell may be csh, or sh.
    this.#console.send('exec /bin/sh\r')
    await this.#silence()
  }

  // What was typed before the new shell read it may be lost, so it is said until it is answered. Of a part of it the shell may
  // wait for the rest, a closing quote maybe: that is given up first (sh(1), SIGINT).
  async #silence() {
    const ready = randomUUID()
    const [start, end] = [ready.slice(0, 8), ready.slice(8)]
    for (let attempt = 1; ; attempt += 1) {
      // A shell that is interrupted may throw away what was typed right behind it.
      if (attempt > 1) {
        this.#console.send('\x03')
        await passing(1000)
      }
      this.#console.send(`stty -echo; PS1=; PS2=; echo ${start}""${end}\r`)
      try {
        await this.#console.until(new RegExp(`${ready}\r?\n`), { seconds: 10, what: 'answer from the shell' })
        return
      } catch (error) {
        if (attempt === 6) throw error
      }
    }
  }

  async unpack() {
    const unpack = this.#disks.map((_, index) => `tar xf /dev/vtbd${index + 1}`)
    const line = ['mkdir -p', folder, '&& cd', folder, '&&', unpack.join(' && ')].join(' ')
    this.#console.send(`${line}; printf '\\036unpacked %d\\036' $?\r`)
    const done = new RegExp(`${MARK}unpacked (\\d+)${MARK}`)
    const [, status] = await this.#console.until(done, { seconds: 300, what: 'unpacked payload' })
    if (status !== '0') throw new Error(`the guest could not unpack the payload in ${folder}: status ${status}`)
  }

  /** Runs the payload's script; `told` gets its output as it comes, each byte as a character. Resolves with its exit status. */
  async run({ seconds, told }) {
    const show = (text) => told(text.replaceAll('\r', ''))
    // The end is said again and again, for the kernel's own messages may be written across it.
    await this.#begin(`sh ${commandFile}; s=$?; while :; do printf '\\036end %d\\036' $s; sleep 1; done`)
    const end = new RegExp(`${MARK}end (\\d+)${MARK}`)
    const [, status] = await this.#console.until(end, { seconds, what: 'end of the command', show })
    return Number(status)
  }

  /** Runs one line, and has the guest write everything to its disk and power off. */
  async shutDownAfter(line) {
    const off = new Promise((resolve) => this.#qemu.once('close', resolve))
    this.#console.send(`${line} && sync && printf '\\036done\\036' && shutdown -p now\r`)
    await this.#console.until(new RegExp(`${MARK}done${MARK}`), { seconds: 60, what: 'end of the change' })
    await off
  }

  /** Gives the console to the terminal of this process until the guest or the user ends it. */
  async converse() {
    const { stdin, stdout } = process
    const size = `rows ${stdout.rows || 24} columns ${stdout.columns || 80}`
    await this.#begin(`stty sane ${size}; sh ${commandFile}`)
    stdout.write(this.#console.release(), 'latin1')
    this.#qemu.stdout.on('data', (text) => stdout.write(text, 'latin1'))
    this.#qemu.stdout.resume()
    stdin.setRawMode?.(true)
    stdin.on('data', (bytes) => {
      // Ctrl-], as telnet and virsh have it.
      if (bytes.includes(0x1d)) this.stop()
      else this.#qemu.stdin.write(bytes)
    })
    await new Promise((resolve) => this.#qemu.once('close', resolve))
    stdin.setRawMode?.(false)
    stdin.destroy()
  }

  // The shell echoes what is typed, line editor as it is; what comes after the mark is the command's own.
  async #begin(line) {
    this.#console.send(`printf '\\036begin\\036'; ${line}\r`)
    await this.#console.until(new RegExp(`${MARK}begin${MARK}`), { seconds: 60, what: 'start of the command' })
  }

  /** Pulls the plug: the image is not written to, so there is nothing to shut down. */
  stop() {
    this.#qemu.kill('SIGKILL')
  }
}
