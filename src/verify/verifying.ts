import { spawnSync } from 'node:child_process'
import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

import { checkCommand, type Command } from '../command/command.ts'
import type { Result } from '../command/result.ts'
import { withOutputs } from '../session/opening.ts'
import { planningOf } from '../session/planning.ts'
import { invalid, readInteger, readList } from '../spec/check.ts'
import { isLent } from '../spec/outputs.ts'
import type { Plan } from '../spec/plan.ts'
import { mountsShowing } from '../spec/source-rules.ts'
import { checkedSpec, type Spec } from '../spec/spec.ts'
import { bytesAt, compareOutputs, type Counts, type FoundDifference, type Pair } from './compare.ts'
import { pathText } from './byte-paths.ts'
import { InputCopies } from './copies.ts'
import { textOfDiffoscope } from './diffoscope.ts'
import { guessOf, guessOfTexts, mostGuessedFrom, type Facts } from './guess.ts'
import { folderToKeepIn, Scratch } from './scratch.ts'
import { mostBuilds, readVariation, variationNames, type VariationName } from './variation-names.ts'
import { clock, commandOf, ownProcessors, variations, type Draft, type Ground } from './variations.ts'
import type { Difference, NotVaried, Verification, VerifiedBuild } from './verification.ts'

export interface VerifyingOptions {
  /** How many builds are compared. Default: 2. */
  readonly builds?: number
  /** What is varied. Default: all but `build-path`. */
  readonly only?: readonly VariationName[]
  readonly signal?: AbortSignal
}

/** A build that is to be run. */
export interface BuildToRun {
  /** From 1 on. The first is the spec as it is. */
  readonly number: number
  readonly spec: Spec
  readonly command: readonly string[]
  readonly values: Draft['values']
}

/** How a build went. */
interface Ran {
  readonly build: BuildToRun
  readonly began: number
  readonly ended: number
  /** FreeBSD: the number of a process just before. */
  readonly pid: number | undefined
}

/**
 * The builds of one verification: prepared here, run by the caller, and compared here. Each writes to empty folders of its own in place of the outputs.
 * `over` takes away everything, whatever happened before.
 */
export class Verifying {
  readonly builds: readonly BuildToRun[]
  readonly varied: readonly VariationName[]
  readonly notVaried: readonly NotVaried[]
  /** Where the outputs are inside. Each has a folder in the scratch, by its place here. */
  readonly #outputs: readonly string[]
  readonly #scratch: Scratch
  readonly #copies: InputCopies
  readonly #isKept: boolean
  readonly #ran: Ran[] = []
  #hasDifferences = false

  private constructor({ builds, varied, notVaried }: Prepared, outputs: readonly string[], scratch: Scratch, copies: InputCopies, isKept: boolean) {
    this.builds = builds
    this.varied = varied
    this.notVaried = notVaried
    this.#outputs = outputs
    this.#scratch = scratch
    this.#copies = copies
    this.#isKept = isKept
  }

  /**
   * Makes missing outputs, as a session does, and copies the inputs.
   * @throws SpecError where the spec is refused or has no output, InvalidCommandError, Error
   */
  static async begin(spec: Spec, command: Command, options: VerifyingOptions): Promise<Verifying> {
    const argv = checkCommand(command)
    const { builds, only, signal } = checked(options)
    const own: Spec = checkedSpec(spec)
    const plan = await withOutputs(await planningOf(own).plan)
    const outputs = plan.mounts.filter(isLent).map(({ target }) => target)
    if (outputs.length === 0) throw invalid('output', 'is missing: to verify is to compare outputs, and the spec has none')
    const ground: Ground = { spec: own, plan, builds, processors: ownProcessors(availableParallelism()) }
    const scratch = await Scratch.in(own.keep === undefined ? undefined : await folderToKeepIn(plan.keep as string))
    const copies = new InputCopies()
    try {
      refuseWithinShown(plan, scratch.path, own.keep === undefined ? 'TMPDIR' : 'keep')
      return new Verifying(await prepared(argv, ground, only, outputs, scratch, copies, signal), outputs, scratch, copies, own.keep !== undefined)
    } catch (error) {
      await copies.remove().finally(() => scratch.remove())
      throw error
    }
  }

  /** Runs one of the builds, in their order. It begins so late that no time stamp of the build before can be its own. */
  async run<T>(build: BuildToRun, act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const last = this.#ran.at(-1)
    const earliest = last === undefined ? 0 : (Math.floor(last.ended / stampMs) + 1) * stampMs
    // A timer may fire a moment early.
    while (Date.now() < earliest) await sleep(earliest - Date.now(), undefined, signal === undefined ? {} : { signal })
    // In a jail processes have the numbers of the host.
    const pid = process.platform === 'freebsd' ? spawnSync('/usr/bin/true').pid : undefined
    const began = Date.now()
    try {
      return await act()
    } finally {
      this.#ran.push({ build, began, ended: Date.now(), pid })
    }
  }

  /**
   * @param results of all builds, in their order
   * @throws BuildjailError where outputs cannot be compared
   */
  async compare(results: readonly Result[], signal?: AbortSignal): Promise<Verification> {
    const differences: Difference[] = []
    const counts: Counts = { entries: 0, bytes: 0 }
    const [first, ...others] = this.#ran
    for (const other of others) {
      const counted = other === others[0] ? counts : { entries: 0, bytes: 0 }
      for (const [index, target] of this.#outputs.entries()) {
        const facts: Pair<Facts> = [this.#factsOf(first as Ran), this.#factsOf(other)]
        const builds: Pair<number> = [(first as Ran).build.number, other.build.number]
        const folders: Pair<string> = [this.#folderOf(builds[0], index), this.#folderOf(builds[1], index)]
        await compareOutputs(folders, async (found) => void differences.push(await differenceOf(found, target, builds, facts, differences.length < mostRead)), counted, signal)
      }
    }
    this.#hasDifferences = differences.length > 0
    const differing = differences[0]?.builds
    const diffoscope = differing === undefined ? undefined : await textOfDiffoscope([this.#folderOf(differing[0]), this.#folderOf(differing[1])], differing, signal)
    return {
      isReproducible: differences.length === 0,
      builds: this.#ran.map(({ build: { number, values }, began }, index): VerifiedBuild => ({ number, began, values, result: results[index] as Result })),
      varied: this.varied,
      notVaried: this.notVaried,
      differences,
      compared: counts,
      ...(this.#hasDifferences && this.#isKept && { kept: this.#scratch.path }),
      ...(diffoscope !== undefined && { diffoscope }),
    }
  }

  /** Takes the copies away, and the outputs unless builds differ and the spec has `keep`. */
  async over(): Promise<void> {
    try {
      await this.#copies.remove()
    } finally {
      if (this.#isKept && this.#hasDifferences) await this.#scratch.keep()
      else await this.#scratch.remove()
    }
  }

  #folderOf(number: number, index?: number): string {
    return folderOf(this.#scratch, this.#outputs, number, index)
  }

  #factsOf({ build: { number, values }, began, ended, pid }: Ran): Facts {
    return { values, began, ended, pid, shifted: this.#copies.shiftedOf(number), processes: Number(values['process-ids'] ?? 0) }
  }
}

/** As zip has times: in steps of two seconds. */
const stampMs = 2000

function checked({ builds = 2, only, signal }: VerifyingOptions): { readonly builds: number; readonly only: readonly VariationName[] | undefined; readonly signal: AbortSignal | undefined } {
  const names = only === undefined ? undefined : readList(only, 'only', 'a list of variations').map((name, index) => readVariation(name, `only[${index}]`))
  return { builds: readInteger(builds, 'builds', 2, mostBuilds), only: names, signal }
}

/** Builds would see it, and the copies would have copies of themselves. */
function refuseWithinShown({ mounts }: Plan, folder: string, setting: 'TMPDIR' | 'keep'): void {
  const around = mountsShowing(folder, mounts).find((mount) => !isLent(mount))
  if (around !== undefined) throw invalid(around.entry, `holds ${folder}, in which a verification writes; set ${setting} to a folder elsewhere`)
}

function folderOf(scratch: Scratch, outputs: readonly string[], number: number, index?: number): string {
  return [scratch.path, String(number), ...(index === undefined ? [] : [nameOf(outputs, index)])].join('/')
}

/** For those who look at what is kept. */
function nameOf(outputs: readonly string[], index: number): string {
  return `${index}-${(outputs[index] ?? '').split('/').at(-1)}`
}

interface Prepared {
  readonly builds: readonly BuildToRun[]
  readonly varied: readonly VariationName[]
  readonly notVaried: readonly NotVaried[]
}

async function prepared(argv: readonly string[], ground: Ground, only: readonly VariationName[] | undefined, outputs: readonly string[], scratch: Scratch, copies: InputCopies, signal: AbortSignal | undefined): Promise<Prepared> {
  const { plan, spec } = ground
  const wanted = variationNames.filter((name) => (only === undefined ? variations[name].isAskedFor !== true : only.includes(name)))
  const obstacles = new Map<VariationName | 'clock', string>(wanted.flatMap((name) => {
    const reason = variations[name].obstacle(ground)
    return reason === undefined ? [] : [[name, reason] as const]
  }))
  const applied = wanted.filter((name) => !obstacles.has(name))
  const isCopied = applied.includes('input-times') || applied.includes('directory-order')
  if (isCopied) await copies.begin(applied.includes('directory-order'), (folder) => refuseWithinShown(plan, folder, 'TMPDIR'))
  const first: BuildToRun = { number: 1, spec: ofBuild(spec, outputs, scratch, 1), command: commandOf(argv, applied, { processes: 0, processors: ground.processors }, plan), values: valuesOf(ground) }
  const builds = [first]
  for (let number = 2; number <= ground.builds; number += 1) {
    const draft: Draft = { number, spec: ofBuild(spec, outputs, scratch, number), processes: 0, processors: ground.processors, isShifted: applied.includes('input-times'), isReordered: applied.includes('directory-order'), values: {} }
    if (isCopied) draft.spec = await copies.specOf(draft, draft.spec, plan, signal)
    for (const name of applied) variations[name].vary(draft, ground)
    builds.push({ number, spec: draft.spec, command: commandOf(argv, applied, draft, plan), values: { ...draft.values, ...valuesOfCopies(draft, copies) } })
  }
  const without: VariationName[] = []
  const note = (name: VariationName, reason: string | undefined, isInPart: boolean): void => {
    if (reason === undefined || !applied.includes(name)) return
    obstacles.set(name, reason)
    if (!isInPart) without.push(name)
  }
  note('input-times', copies.refused, copies.isAnyShifted)
  note('directory-order', copies.unordered ?? copies.refused, copies.unordered === undefined)
  obstacles.set('clock', clock)
  return { builds, varied: applied.filter((name) => !without.includes(name)), notVaried: [...obstacles].map(([name, reason]) => ({ name, reason })) }
}

/** What the first build has, where others have something else. */
function valuesOf({ plan, processors }: Ground): Draft['values'] {
  return { 'host-name': plan.hostname, 'user-ids': usersOf(plan), processors: String(processors.length), 'tmp-path': plan.env['TMPDIR'] ?? '/tmp' }
}

/** On FreeBSD a session leases one of several. */
function usersOf({ user: { uid, leased } }: Plan): string {
  return uid === undefined && leased !== undefined ? `${leased.first}-${leased.first + leased.count - 1}` : String(uid)
}

function valuesOfCopies({ number, isReordered }: Draft, copies: InputCopies): Draft['values'] {
  const seconds = copies.shiftedOf(number)
  return { ...(seconds !== 0 && { 'input-times': `${Math.abs(seconds)} s ${seconds < 0 ? 'earlier' : 'later'}` }), ...(isReordered && copies.unordered === undefined && { 'directory-order': 'another' }) }
}

/** The spec with empty folders in the place of its outputs. */
function ofBuild(spec: Spec, outputs: readonly string[], scratch: Scratch, number: number): Spec {
  const folders = new Map(outputs.map((target, index) => [target, scratch.make(String(number), nameOf(outputs, index))]))
  const replaced = (values: Readonly<Record<string, string>>, folder: string): Record<string, string> => Object.fromEntries(Object.entries(values).map(([key, source]) => [key, folders.get(key.startsWith('/') ? key : `${folder}/${key}`) ?? source]))
  return {
    ...spec,
    ...(spec.output !== undefined && { output: folders.get('/output') as string }),
    ...(spec.outputs && { outputs: replaced(spec.outputs, '/outputs') }),
    ...(spec.stores && { stores: replaced(spec.stores, '/') }),
  }
}

/** As many files are read as a whole for a guess. */
const mostRead = 1000

/** @param isRead whether a guess may be made of all that is in files */
async function differenceOf(found: FoundDifference, target: string, builds: Pair<number>, facts: Pair<Facts>, isRead: boolean): Promise<Difference> {
  const path = found.place.length === 0 ? target : `${target}/${pathText(found.place)}`
  if (found.kind !== 'contents') {
    const texts: Pair<string> = found.kind === 'link' ? found.values : [found.values[0] === 'nothing' ? '' : path, found.values[1] === 'nothing' ? '' : path]
    const guess = found.kind === 'link' || found.kind === 'missing' ? guessOfTexts(texts, facts) : undefined
    return { path, kind: found.kind, builds, values: found.values, ...(guess !== undefined && { guess }) }
  }
  const { offset, sizes, files, windows } = found
  const whole = isRead && sizes.every((size) => size <= mostGuessedFrom) ? await wholeOf(files) : undefined
  const guess = guessOf(offset, windows, facts, whole)
  const values: Pair<string> = [bytesText(windows[0].bytes, offset - windows[0].from), bytesText(windows[1].bytes, offset - windows[1].from)]
  return { path, kind: 'contents', builds, values, offset, sizes, ...(guess !== undefined && { guess }) }
}

async function wholeOf(files: Pair<Buffer>): Promise<Pair<Buffer> | undefined> {
  const read = async (file: Buffer): Promise<Buffer> => {
    const opened = await open(file)
    try {
      return await bytesAt(opened, 0, mostGuessedFrom)
    } finally {
      await opened.close()
    }
  }
  // The guess does without a file that its owner may not read.
  return await Promise.all([read(files[0]), read(files[1])]).then(([first, other]): Pair<Buffer> => [first, other], () => undefined)
}

const shownBytes = 16

/** As hexdump(1) has them: `31 32 0a |12.|`. Of a file that ends there, `nothing`. */
function bytesText(bytes: Buffer, at: number): string {
  const shown = bytes.subarray(at, at + shownBytes)
  if (shown.length === 0) return 'nothing'
  return `${shown.toString('hex').replaceAll(/..(?!$)/g, '$& ')} |${shown.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.')}|`
}
