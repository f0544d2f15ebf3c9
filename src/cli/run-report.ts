import { closeSync, constants, fstatSync, ftruncateSync, openSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { Recorder } from '../recording/recorder.ts'
import type { Session } from '../session/session.ts'
import { invalid } from '../spec/check.ts'
import { isLent, projectIn } from '../spec/outputs.ts'
import { type Mount, type Plan, planOf } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import type { RunRequest } from './command-line.ts'
import { packageVersion } from './manual.ts'
import { optionWords } from './option-words.ts'
import { atOnce, isOfSystem, realFolderOf, refuseOthers } from './named-file.ts'
import { jsonText } from './report.ts'

/** The files of `--record` and `--page`. They are opened before anything runs and written after the session closed. */
export class RunReport {
  readonly plan: Plan
  readonly #began = performance.now()
  readonly #hasValues: boolean
  readonly #files: { readonly name: 'record' | 'page'; readonly file: RecordFile }[] = []
  #recorder: Recorder | undefined

  /** @throws SpecError if the spec is refused, or a file cannot be written or lies where the build can write */
  constructor({ record, page, hasValues = false, apply }: RunRequest, spec: Spec) {
    this.plan = planOf(spec)
    this.#hasValues = hasValues
    const asked = [['record', record], ['page', page]] as const
    if (record !== undefined && page !== undefined && path.resolve(record) === path.resolve(page)) throw invalid('--page', 'is the file of --record')
    // defence: record-not-applied-over
    const applied = apply === undefined ? undefined : projectIn(this.plan)
    for (const [name, file] of asked) if (file !== undefined) refuseWithin(this.plan, `--${name}`, file, applied)
    try {
      for (const [name, file] of asked) if (file !== undefined) this.#files.push({ name, file: new RecordFile(`--${name}`, file) })
    } catch (error) {
      this.close()
      throw error
    }
  }

  begin(session: Session): void {
    this.#recorder = new Recorder(session, { began: this.#began, version: packageVersion(), hasValues: this.#hasValues, written: optionWords })
  }

  /** Call it before the session closes. */
  async look(): Promise<void> {
    await this.#recorder?.look()
  }

  /**
   * Call it after the session closed. The page is made from the record's text, so it equals the page of `buildjail page`.
   * @param errors of the session
   */
  async write(errors: readonly unknown[]): Promise<void> {
    if (this.#recorder === undefined) return
    await this.#recorder.lookAtOutputs()
    await this.#recorder.lookAtTrace()
    const text = `${jsonText(this.#recorder.record(errors), 2)}\n`
    for (const { name, file } of this.#files) {
      if (name === 'record') file.write(text)
      // Loaded only for --page.
      else file.write((await import('../page/page.ts')).pageOfJson(text, 'the record'))
    }
  }

  close(): void {
    for (const { file } of this.#files) file.close()
  }
}

/**
 * A build can leave a link to any file of the host where it writes, and this program may be root.
 * @param applied its changes come to its source before the file is written
 */
export function refuseWithin({ mounts }: Plan, option: string, file: string, applied?: Mount): void {
  const folder = realFolderOf(file)
  const around = mounts.find((mount) => (isLent(mount) || mount === applied) && `${folder}/`.startsWith(`${mount.source}/`))
  const how = around === applied ? `${around?.source}, which --apply brings the changes to` : `${around?.entry}, which the build writes to`
  // defence: page-not-written-build
  if (around !== undefined) throw invalid(option, `${file} lies in ${how}; name a file elsewhere`)
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
// A record names paths of the host, so only the caller may read it.
const mode = 0o600
/** The errors of open(2) for a link with O_NOFOLLOW, on Linux and on FreeBSD. */
const ofLinks: readonly unknown[] = ['ELOOP', 'EMLINK']

/** The file of `--record` or `--page`. Opening it keeps its content; `write` replaces that. */
export class RecordFile {
  readonly #path: string
  readonly #fd: number
  readonly #isNew: boolean
  #isWritten = false

  /**
   * @param option named by the error
   * @throws SpecError if it cannot be written, is a link or is no regular file
   */
  constructor(option: string, file: string) {
    this.#path = file
    const made = opened(option, file, O_CREAT | O_EXCL)
    this.#isNew = made !== undefined
    // defence: page-not-written-through
    this.#fd = made ?? opened(option, file, isOfSystem(file) ? 0 : O_NOFOLLOW | atOnce) ?? refuse(option, file, new Error('it was removed meanwhile'))
  }

  write(text: string): void {
    // A file of the system may be a pipe.
    if (fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd)
    writeFileSync(this.#fd, text)
    this.#isWritten = true
  }

  /** A file that was not written stays as it was; a new one is removed. */
  close(): void {
    closeSync(this.#fd)
    if (this.#isNew && !this.#isWritten) unlinkSync(this.#path)
  }
}

/** Undefined if the file exists, with O_EXCL, or is missing, without. */
function opened(option: string, file: string, flags: number): number | undefined {
  try {
    const fd = openSync(file, flags | O_WRONLY, mode)
    if ((flags & O_NOFOLLOW) !== 0) refuseOthers(fd)
    return fd
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === ((flags & O_EXCL) === 0 ? 'ENOENT' : 'EEXIST')) return undefined
    // An earlier build may have left the link.
    if (ofLinks.includes(code) && (flags & O_NOFOLLOW) !== 0) throw invalid(option, `${file} is a symbolic link, which is not followed; name the file that it leads to`, error)
    return refuse(option, file, error)
  }
}

function refuse(option: string, file: string, error: unknown): never {
  throw invalid(option, `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`, error)
}
