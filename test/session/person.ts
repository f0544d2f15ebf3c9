import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

import { probe } from '../probe/compiled-probe.ts'

const program = 'folder' in probe ? `${probe.folder}/person` : ''
const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

/** What `buildjail run` is begun with on this machine. */
export const buildjailRun = (...words: string[]): string[] => [process.execPath, main, 'run', ...words]

/** A host program that does with one session what its lines say: see test/session/programs/terminal.mjs. */
export const hostProgram = (what: string, ...words: string[]): string[] => [
  process.execPath,
  fileURLToPath(new URL('programs/terminal.mjs', import.meta.url)),
  what,
  ...words,
]

/** A person at a terminal who runs a command there (test/probe/person.c). */
export class Person {
  /** Everything that the terminal has shown. */
  shown = ''
  /** What is known of the command's end and of how the terminal is set. */
  told = ''
  readonly #child
  readonly #ended: Promise<unknown>
  #seen = 0

  /** @param streams the standard descriptors that are the terminal, as `012`; with a b the command is in the background */
  constructor(streams: string, command: readonly string[]) {
    this.#child = spawn(program, [streams, ...command], { stdio: 'pipe', env: { ...process.env, TERM: 'vt100' } })
    this.#child.stdout.on('data', (chunk: Buffer) => (this.shown += String(chunk)))
    this.#child.stderr.on('data', (chunk: Buffer) => (this.told += String(chunk)))
    this.#child.stdin.on('error', () => {})
    this.#ended = once(this.#child, 'close')
  }

  type(keys: string): void {
    this.#say(`type ${Buffer.from(keys).toString('hex')}`)
  }

  size(rows: number, columns: number): void {
    this.#say(`size ${rows} ${columns}`)
  }

  /** Signals what the person has run. */
  kill(signal: number): void {
    this.#say(`kill ${signal}`)
  }

  /** How the terminal is set now: `keys silent raw`, `lines echo cooked`, and `file MODE OWNER`. */
  async mode(): Promise<string> {
    const before = this.told.length
    this.#say('mode')
    await expect.poll(() => this.told.slice(before), { timeout: 20_000 }).toMatch(/mode .*\n/)
    return /mode (.*)\n/.exec(this.told.slice(before))?.[1] ?? ''
  }

  /** Waits until it is shown, after all that was waited for before, and returns all up to there. */
  async sees(words: string | RegExp): Promise<string> {
    const found = (): RegExpExecArray | null => new RegExp(words).exec(this.shown.slice(this.#seen))
    await expect.poll(() => found() !== null || this.shown.slice(this.#seen), { timeout: 30_000 }).toBe(true)
    const match = found()
    const end = this.#seen + (match?.index ?? 0) + (match?.[0].length ?? 0)
    const passed = this.shown.slice(this.#seen, end)
    this.#seen = end
    return passed
  }

  /** `status N` or `signal N`, and how the terminal is set then. */
  async ended(): Promise<{ readonly end: string; readonly mode: string }> {
    await this.#ended
    return { end: /^(?:status|signal) \d+$/m.exec(this.told)?.[0] ?? this.told, mode: /mode (.*)\n$/.exec(this.told)?.[1] ?? this.told }
  }

  /** Whatever happened in the test. */
  leave(): void {
    this.kill(9)
    this.#child.stdin.end()
    setTimeout(() => this.#child.kill('SIGKILL'), 2000).unref()
  }

  #say(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }
}
