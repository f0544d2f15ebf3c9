import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, realpathSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { devfsRuleset, interfaceCreate, kldLoad, nmount, type DevfsRule, type DevfsRuleset } from 'buildjail/freebsd'

import { journalFile, removeAll, removeOfDeadPrograms, type Made } from './remove.ts'

const prefix = 'buildjail-conformance-'
/** Above the numbers of devfs.rules(5), and away from those of sessions of buildjail. */
const firstRuleset = 40_000
const lastRuleset = 65_000
const mostTries = 100

type MountOptions = Readonly<Record<string, string | boolean>>

let ownFolder: string | undefined

/** The folder of this program. A second process removes what is left in it when this program dies, also by SIGKILL. */
function folderOfProgram(): string {
  if (ownFolder !== undefined) return ownFolder
  const top = realpathSync(tmpdir())
  removeOfDeadPrograms(top, prefix)
  const folder = mkdtempSync(path.join(top, `${prefix}${process.pid}-`))
  // Cases look into it as ordinary users.
  chmodSync(folder, 0o755)
  ownFolder = folder
  const own = fileURLToPath(import.meta.url)
  const keeper = path.join(path.dirname(own), `remove${path.extname(own)}`)
  const child = spawn(process.execPath, [keeper, folder], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
  child.unref()
  const { stdin } = child
  if (stdin !== null && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  process.once('exit', () => {
    try {
      rmdirSync(folder)
    } catch {
      // A case was interrupted: the keeper removes what it made.
    }
  })
  return folder
}

/** Everything of the host that one case makes. Jails, rulesets and interfaces are written to a journal before they are made. */
export class Belongings {
  /** Holds the scratch folders, the mounts and the journal. */
  readonly folder: string = path.join(folderOfProgram(), randomBytes(4).toString('hex'))
  #scratches = 0

  constructor() {
    mkdirSync(this.folder, { mode: 0o755 })
  }

  /** A new empty folder, 0755. */
  scratch(): string {
    this.#scratches += 1
    const folder = path.join(this.folder, String(this.#scratches))
    mkdirSync(folder, { mode: 0o755 })
    return folder
  }

  /** Call this before `made` is made: if the program dies in between, its removal is tried and finds nothing. */
  note(made: Made): void {
    this.#append({ made })
  }

  /** Call this if making it failed with EEXIST: it belongs to somebody else, and stays. */
  disown(made: Made): void {
    this.#append({ made, isSomebodyElses: true })
  }

  /** Mounts a folder a second time by nullfs(4). @returns where */
  nullfs(source: string, flags = 0, options: MountOptions = {}): Promise<string> {
    return this.#mount({ fstype: 'nullfs', from: source, ...options }, flags)
  }

  /** Mounts an empty tmpfs(4). @returns where */
  tmpfs(options: MountOptions = {}, flags = 0): Promise<string> {
    return this.#mount({ fstype: 'tmpfs', ...options }, flags)
  }

  /** A devfs(8) ruleset of a free number, with these rules. */
  async ruleset(rules: readonly DevfsRule[] = []): Promise<DevfsRuleset> {
    const ruleset = await this.#freeRuleset()
    for (const rule of rules) await ruleset.add(rule)
    return ruleset
  }

  /** An epair(4), with both ends in the host. @returns the names of its ends */
  async epair(): Promise<{ readonly a: string; readonly b: string }> {
    await kldLoad('if_epair')
    for (let tries = 1; ; tries += 1) {
      // With a number of our choice, because a name that the kernel chose could be noted only after the interface is made.
      const name = `epair${randomBytes(2).readUInt16BE() % 10_000}`
      const made: Made = { kind: 'interface', name: `${name}a` }
      this.note(made)
      try {
        return { a: await interfaceCreate(name), b: `${name}b` }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        this.disown(made)
        if (tries === mostTries) throw error
      }
    }
  }

  /** @throws AggregateError of everything that could not be removed */
  remove(): void {
    removeAll(this.folder)
  }

  async #mount(options: MountOptions, flags: number): Promise<string> {
    const { fspath = this.scratch() } = options
    await nmount({ ...options, fspath }, flags)
    return String(fspath)
  }

  async #freeRuleset(): Promise<DevfsRuleset> {
    for (let tries = 1; tries <= mostTries; tries += 1) {
      const ruleset = devfsRuleset(firstRuleset + (randomBytes(2).readUInt16BE() % (lastRuleset - firstRuleset)))
      if ((await ruleset.list()).length > 0) continue
      this.note({ kind: 'ruleset', number: ruleset.number })
      return ruleset
    }
    throw new Error(`${mostTries} random devfs rulesets between ${firstRuleset} and ${lastRuleset} are all in use`)
  }

  #append(line: { readonly made: Made; readonly isSomebodyElses?: true }): void {
    // Later programs of root remove what it names: nobody else writes it, whatever the umask is.
    appendFileSync(path.join(this.folder, journalFile), `${JSON.stringify(line)}\n`, { mode: 0o600 })
  }
}
