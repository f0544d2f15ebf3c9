import path from 'node:path'

import type { Answers } from './answers.ts'
import type { Spec } from './fields.ts'
import { answeredBy } from './look.ts'
import { pathOf } from './source.ts'
import { usualStateDirectory } from './state-directory.ts'
import type { SystemLayout } from './system-layout.ts'

/**
 * Notes what the plan of a spec will ask for, so that one fetching answers nearly all plans. What is missing here is fetched once planning
 * comes to it, which takes longer.
 * @param layout undefined: the spec is added to a base, which has the rest
 */
export function noteAhead(spec: Spec, layout: SystemLayout | undefined, answers: Answers): void {
  const { toolchain = 'host', inputs = {}, output, outputs = {}, stores = {}, devices = [], keep } = spec
  if (layout !== undefined) {
    const parts = toolchain === 'none' ? [] : layout.toolchain
    for (const part of [...parts, ...layout.trust]) answers.note(`l${part}`)
    if (spec.network === 'host') for (const part of layout.resolver) answers.note(`s${part}`)
    for (const folder of spec.stateDirectory === undefined ? usualStateDirectories(answers) : [spec.stateDirectory]) noteMade(folder, answers)
  }
  if (typeof toolchain !== 'string') {
    for (const part of toolchain) if (part !== 'host') answers.note(`s${part === 'node' ? process.execPath : pathOf(part)}`)
  }
  for (const source of Object.values(inputs)) answers.note(`s${pathOf(source)}`)
  for (const folder of [output ?? [], Object.values(outputs), Object.values(stores), keep ?? []].flat()) noteMade(folder, answers)
  for (const device of devices) answers.note(`l${pathOf(device)}`)
}

/** For an ordinary user there are two, and which of them it is the answers say. */
function usualStateDirectories(answers: Answers): string[] {
  const [uid, runtimeDirectory] = [process.geteuid?.(), process.env['XDG_RUNTIME_DIR']]
  const usual = answeredBy(answers, () => usualStateDirectory(process.platform, uid, runtimeDirectory))
  return uid === 0 || runtimeDirectory === undefined ? [usual] : [usual, path.join(runtimeDirectory, 'buildjail')]
}

/** A folder that may be missing. */
function noteMade(folder: string, answers: Answers): void {
  answers.note(`s${folder}`)
  answers.note(`l${folder}`)
  answers.note(`s${path.dirname(path.resolve(answers.folder, folder))}`)
}
