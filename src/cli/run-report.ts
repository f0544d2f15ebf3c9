import path from 'node:path'

import { Recorder } from '../recording/recorder.ts'
import type { Session } from '../session/session.ts'
import { invalid } from '../spec/check.ts'
import { isLent } from '../spec/lent.ts'
import { planOf, type Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import type { RunRequest } from './command-line.ts'
import { packageVersion } from './package-version.ts'
import { realFolderOf, RecordFile } from './record-file.ts'
import { jsonText } from './report.ts'

/** What `--record` and `--page` ask for: the files, which are opened before anything runs, and what is written to them when all is over. */
export class RunReport {
  readonly plan: Plan
  readonly #began = performance.now()
  readonly #hasValues: boolean
  readonly #files: { readonly name: 'record' | 'page'; readonly file: RecordFile }[] = []
  #recorder: Recorder | undefined

  /** @throws SpecError when the spec is refused, or a file is where the build can write or cannot be written. */
  constructor({ record, page, hasValues = false }: RunRequest, spec: Spec) {
    this.plan = planOf(spec)
    this.#hasValues = hasValues
    const asked = [['record', record], ['page', page]] as const
    if (record !== undefined && page !== undefined && path.resolve(record) === path.resolve(page)) throw invalid('--page', 'is the file of --record')
    for (const [name, file] of asked) if (file !== undefined) refuseWithin(this.plan, `--${name}`, file)
    try {
      for (const [name, file] of asked) if (file !== undefined) this.#files.push({ name, file: new RecordFile(`--${name}`, file) })
    } catch (error) {
      this.close()
      throw error
    }
  }

  begin(session: Session): void {
    this.#recorder = new Recorder(session, { began: this.#began, version: packageVersion(), hasValues: this.#hasValues })
  }

  /** Comes before the session is closed. */
  async look(): Promise<void> {
    await this.#recorder?.look()
  }

  /**
   * The page is made of the text of the record, so that it is the one that `buildjail page` makes.
   * @param errors of the session, which is closed by now
   */
  async write(errors: readonly unknown[]): Promise<void> {
    if (this.#recorder === undefined) return
    const text = `${jsonText(this.#recorder.record(errors), 2)}\n`
    for (const { name, file } of this.#files) file.write(name === 'record' ? text : await pageFrom(text))
  }

  close(): void {
    for (const { file } of this.#files) file.close()
  }
}

async function pageFrom(record: string): Promise<string> {
  // Not loaded by who asks for no page.
  const [{ readRecord }, { pageOf }] = await Promise.all([import('../recording/read-record.ts'), import('../page/page.ts')])
  return pageOf(readRecord(record, 'the record'))
}

/** What a build has left where it writes may be a link to any file of the host, and this program is root. */
function refuseWithin({ mounts }: Plan, option: string, file: string): void {
  const folder = realFolderOf(file)
  const around = mounts.find((mount) => isLent(mount) && `${folder}/`.startsWith(`${mount.source}/`))
  // defence: page-not-written-build
  if (around !== undefined) throw invalid(option, `${file} lies in ${around.entry}, which the build writes to; name a file elsewhere`)
}
