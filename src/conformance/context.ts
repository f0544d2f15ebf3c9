import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { BuildjailError } from '../errors.ts'
import { Belongings } from '../freebsd/fixtures/belongings.ts'
import {
  JAIL_CREATE,
  jailGetSync,
  jailSetSync,
  mountTableSync,
  nmountSync,
  spawnInJail,
  statfsSync,
  type JailDescriptor,
  type JailKey,
  type JailParameters,
  type JailParameterValue,
  type JailProcess,
  type SpawnInJailOptions,
} from '../freebsd/index.ts'
import type { Seen } from './case.ts'
import { errnoIn, failureText } from './failure-text.ts'

/** Parameters of which some may be left out of the usual ones. */
export type Given = Readonly<Record<string, JailParameterValue | undefined>>

const paths = { PATH: '/sbin:/bin:/usr/sbin:/usr/bin' }
/** A program started, in the host and not in a jail, with what is needed of the rest. */
const inHost = ['attach', 'root'] as const
/** Milliseconds. */
const patience = 5000

/** What a case works with. Everything that it makes is taken away after it, and after the death of the whole program. */
export class Context {
  /** For a jail that the case makes; those below it go with it. */
  readonly name: string = `conformance-${process.pid}-${randomBytes(4).toString('hex')}`
  readonly #belongings: Belongings = new Belongings()
  readonly #processes: JailProcess[] = []
  readonly #noted: Set<string> = new Set()

  /** An empty folder. */
  scratch(): string {
    return this.#belongings.scratch()
  }

  /**
   * jail_set(2) without checks of ours: a jail of `name`, on `/`, persistent, unless the parameters say otherwise; undefined leaves one of these out.
   * @returns its jid
   */
  set(parameters: Given = {}, flags: number = JAIL_CREATE): number {
    const given = { name: this.name, path: '/', persist: true, ...parameters }
    const isNew = typeof given.name === 'string' && this.note(given.name)
    try {
      return jailSetSync(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as JailParameters, flags, { check: false })
    } catch (error) {
      // Somebody else's, which stays.
      if (isNew && (error as BuildjailError).code === 'EEXIST') this.#belongings.takeBack({ kind: 'jail', name: String(given.name) })
      throw error
    }
  }

  /** A jail of that name is about to be made. @returns whether that is new */
  note(name: string): boolean {
    if (this.#noted.has(name)) return false
    this.#noted.add(name)
    this.#belongings.note({ kind: 'jail', name })
    return true
  }

  /** jail_get(2) of one parameter of a jail. */
  get(name: string, key: JailKey = { name: this.name }): Seen {
    return seenOf(jailGetSync(key, [name])[name])
  }

  nullfs(from: string, flags = 0, options: Readonly<Record<string, string | boolean>> = {}): Promise<string> {
    return this.#belongings.nullfs(from, flags, options)
  }

  tmpfs(options: Readonly<Record<string, string | boolean>> = {}, flags = 0): Promise<string> {
    return this.#belongings.tmpfs(options, flags)
  }

  ruleset: Belongings['ruleset'] = (rules) => this.#belongings.ruleset(rules)

  epair: Belongings['epair'] = () => this.#belongings.epair()

  /** nmount(2) without checks of ours, as it is. */
  mount(options: Readonly<Record<string, string | boolean | Uint8Array | undefined>>, flags = 0): void {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Record<string, string>
    nmountSync(given, flags, { check: false })
  }

  /** How a call fails; `done` where it does not. What is the case's own in it is `NAME` and `FOLDER`. */
  async refusal(call: () => unknown): Promise<string> {
    try {
      await call()
      return 'done'
    } catch (error) {
      return this.told(failureText(error))
    }
  }

  /** A text with what is the case's own in it left out. */
  told(text: string): string {
    return text.replaceAll(this.name, 'NAME').replaceAll(this.#belongings.folder, 'FOLDER')
  }

  /** Starts a program in a jail, which is killed after the case. */
  async start(jail: JailKey | JailDescriptor, argv: readonly string[], options: SpawnInJailOptions = {}): Promise<JailProcess> {
    const started = await spawnInJail(jail, argv, { env: paths, ...options })
    this.#processes.push(started)
    return started
  }

  /** Runs lines of sh(1) in a jail: what they print; where they fail, the errno that they tell of. */
  async inside(jail: JailKey | JailDescriptor, script: string, options: SpawnInJailOptions = {}): Promise<string> {
    const { stdout, stderr, exitCode } = await (await this.start(jail, ['/bin/sh', '-c', script], options)).output()
    return exitCode === 0 ? this.told(stdout.trim()) : errnoIn(this.told(stderr))
  }

  /** The same in no jail. */
  outside(script: string, options: SpawnInJailOptions = {}): Promise<string> {
    return this.inside(this.#anywhere(), script, { ...options, without: [...inHost, ...(options.without ?? [])] })
  }

  /** As `start`, in no jail. */
  startOutside(argv: readonly string[], options: SpawnInJailOptions = {}): Promise<JailProcess> {
    return this.start(this.#anywhere(), argv, { ...options, without: [...inHost, ...(options.without ?? [])] })
  }

  /** Calls of buildjail/freebsd, `[name, ...given]`, made by a process in a jail on `/`, or of a user: what each gave. */
  async calls(jail: JailKey | JailDescriptor, calls: readonly (readonly unknown[])[], options: SpawnInJailOptions = {}): Promise<Seen[]> {
    const own = fileURLToPath(import.meta.url)
    const program = path.join(path.dirname(own), `inside${path.extname(own)}`)
    const started = await this.start(jail, [process.execPath, program, JSON.stringify(calls)], options)
    const { stdout, stderr, exitCode } = await started.output()
    if (exitCode !== 0) throw new Error(`a program with calls in it failed: ${stderr.trim()}`)
    return JSON.parse(this.told(stdout)) as Seen[]
  }

  /** The same by an ordinary user in no jail. */
  callsOfUser(calls: readonly (readonly unknown[])[]): Promise<Seen[]> {
    return this.calls(this.#anywhere(), calls, { uid: 65_534, gid: 65_534, without: inHost })
  }

  /** Waits until something is so. @returns whether it came to be */
  async until(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
    const end = Date.now() + patience
    while (!(await isSo())) {
      if (Date.now() > end) return false
      await pause(5)
    }
    return true
  }

  /** Where a path is mounted: `nullfs`, `tmpfs`, ... */
  typeOf(place: string): string {
    return statfsSync(place).type
  }

  isMounted(place: string): boolean {
    return mountTableSync().some(({ on }) => on === place)
  }

  async end(): Promise<void> {
    for (const started of this.#processes) started.kill('SIGKILL')
    await Promise.all(this.#processes.map((started) => started.ended))
    this.#belongings.takeAway()
  }

  /** spawnInJail wants a jail also where it does not attach: any will do. */
  #anywhere(): JailKey {
    this.#anchor ??= this.set({ name: `${this.name}-anchor` })
    return { jid: this.#anchor }
  }

  #anchor: number | undefined
}

/** A value of a parameter as JSON. */
export function seenOf(value: JailParameterValue | undefined): Seen {
  if (value === undefined) return null
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return value
}
