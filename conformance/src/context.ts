import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

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
} from 'buildjail/freebsd'
import { Belongings } from 'buildjail/freebsd/fixtures'

import { errnoIn, failureText, seenOf, type Seen } from './seen.ts'

/** Jail parameters; one that is undefined leaves a usual one out. */
export type RawParameters = Readonly<Record<string, JailParameterValue | undefined>>

const environment = { PATH: '/sbin:/bin:/usr/sbin:/usr/bin' }
/** The steps of spawnInJail that a program in the host does without. */
const inHost = ['attach', 'root'] as const
/** Milliseconds for which `until` waits. */
const patience = 5000

/** The calls that a case makes. Everything that it makes by them is removed after it, and also if the program dies. */
export class Context {
  /** The name of the case's jail. Jails below it are removed with it. */
  readonly name: string = `conformance-${process.pid}-${randomBytes(4).toString('hex')}`
  readonly #belongings: Belongings = new Belongings()
  readonly #processes: JailProcess[] = []
  readonly #noted: Set<string> = new Set()

  /** An empty folder. */
  scratch(): string {
    return this.#belongings.scratch()
  }

  /**
   * jail_set(2) without buildjail's checks. Unless the parameters say otherwise, the jail has `name`, the path `/` and `persist`.
   * @returns its jid
   */
  set(parameters: RawParameters = {}, flags: number = JAIL_CREATE): number {
    const given = { name: this.name, path: '/', persist: true, ...parameters }
    const isNew = typeof given.name === 'string' && this.note(given.name)
    try {
      return jailSetSync(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as JailParameters, flags, { check: false })
    } catch (error) {
      if (isNew && (error as NodeJS.ErrnoException).code === 'EEXIST') this.#belongings.disown({ kind: 'jail', name: String(given.name) })
      throw error
    }
  }

  /** Call this before a jail of that name is made by other means than `set`. @returns whether the name is new */
  note(name: string): boolean {
    if (this.#noted.has(name)) return false
    this.#noted.add(name)
    this.#belongings.note({ kind: 'jail', name })
    return true
  }

  /** One parameter of a jail, by jail_get(2). */
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

  /** nmount(2) without buildjail's checks. */
  mount(options: Readonly<Record<string, string | boolean | Uint8Array | undefined>>, flags = 0): void {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Record<string, string>
    nmountSync(given, flags, { check: false })
  }

  /** The error of a call, as `masked` text; `done` if it succeeds. */
  async refusal(call: () => unknown): Promise<string> {
    try {
      await call()
      return 'done'
    } catch (error) {
      return this.masked(failureText(error))
    }
  }

  /** The text with the random name of the jail as `NAME` and the scratch folder as `FOLDER`, so that two runs give the same. */
  masked(text: string): string {
    return text.replaceAll(this.name, 'NAME').replaceAll(this.#belongings.folder, 'FOLDER')
  }

  /** Starts a program in a jail. It is killed after the case. */
  async start(jail: JailKey | JailDescriptor, argv: readonly string[], options: SpawnInJailOptions = {}): Promise<JailProcess> {
    const started = await spawnInJail(jail, argv, { env: environment, ...options })
    this.#processes.push(started)
    return started
  }

  /** Runs lines of sh(1) in a jail. @returns their output; if they fail, the errno that they print */
  async inside(jail: JailKey | JailDescriptor, script: string, options: SpawnInJailOptions = {}): Promise<string> {
    const { stdout, stderr, exitCode } = await (await this.start(jail, ['/bin/sh', '-c', script], options)).output()
    return exitCode === 0 ? this.masked(stdout.trim()) : errnoIn(this.masked(stderr))
  }

  /** As `inside`, in the host. */
  outside(script: string, options: SpawnInJailOptions = {}): Promise<string> {
    return this.inside(this.#anywhere(), script, { ...options, without: [...inHost, ...(options.without ?? [])] })
  }

  /** As `start`, in the host. */
  startOutside(argv: readonly string[], options: SpawnInJailOptions = {}): Promise<JailProcess> {
    return this.start(this.#anywhere(), argv, { ...options, without: [...inHost, ...(options.without ?? [])] })
  }

  /** Makes calls of buildjail/freebsd, each `[name, ...arguments]`, in a process of their own in a jail on `/`. @returns the result of each */
  async calls(jail: JailKey | JailDescriptor, calls: readonly (readonly unknown[])[], options: SpawnInJailOptions = {}): Promise<Seen[]> {
    const own = fileURLToPath(import.meta.url)
    const program = path.join(path.dirname(own), `inside${path.extname(own)}`)
    const started = await this.start(jail, [process.execPath, program, JSON.stringify(calls)], options)
    const { stdout, stderr, exitCode } = await started.output()
    if (exitCode !== 0) throw new Error(`the program that makes the calls (inside.ts) failed: ${stderr.trim()}`)
    return JSON.parse(this.masked(stdout)) as Seen[]
  }

  /** As `calls`, as an ordinary user in the host. */
  callsOfUser(calls: readonly (readonly unknown[])[]): Promise<Seen[]> {
    return this.calls(this.#anywhere(), calls, { uid: 65_534, gid: 65_534, without: inHost })
  }

  /** Waits for 5 seconds at most. @returns whether it became true */
  async until(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
    const end = Date.now() + patience
    while (!(await isSo())) {
      if (Date.now() > end) return false
      await pause(5)
    }
    return true
  }

  /** The file system that a path is on: `nullfs`, `tmpfs`, ... */
  typeOf(place: string): string {
    return statfsSync(place).type
  }

  isMounted(place: string): boolean {
    return mountTableSync().some(({ on }) => on === place)
  }

  async end(): Promise<void> {
    for (const started of this.#processes) started.kill('SIGKILL')
    await Promise.all(this.#processes.map((started) => started.ended))
    this.#belongings.remove()
  }

  /** spawnInJail needs a jail also if it does not attach to it: this one. */
  #anywhere(): JailKey {
    this.#anchor ??= this.set({ name: `${this.name}-anchor` })
    return { jid: this.#anchor }
  }

  #anchor: number | undefined
}
