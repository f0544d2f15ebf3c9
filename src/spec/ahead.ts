import path from 'node:path'

import type { Answers } from './answers.ts'
import type { Spec } from './fields.ts'
import { pathOf } from './source.ts'
import { usualStateDirectories } from './state-directory.ts'
import type { SystemLayout } from './system-layout.ts'

/**
 * Notes what the plan of a spec will ask for, so that one fetching answers nearly all plans. What is missing here is fetched once planning
 * comes to it, which takes longer.
 * @param layout undefined: the spec is added to a base, which has the rest
 */
export function noteAhead(spec: Spec, layout: SystemLayout | undefined, answers: Answers): void {
  const { toolchain = 'host', inputs = {}, output, outputs = {}, stores = {}, devices = [], keep } = spec
  if (layout !== undefined) {
    const hasHost = toolchain === 'host' || toolchain.includes('host')
    const parts = toolchain === 'none' ? [] : layout.toolchain
    if (hasHost) for (const part of [layout.locale, layout.javaMachines]) if (part !== undefined) answers.note(`s${part}`)
    if (hasHost && layout.javaMachines !== undefined) answers.note(`d${layout.javaMachines}`)
    for (const part of [...parts, ...layout.trust]) answers.note(`l${part}`)
    if (spec.network === 'host') for (const part of layout.resolver) answers.note(`s${part}`)
    const usual = usualStateDirectories(process.platform, process.geteuid?.(), process.env['XDG_RUNTIME_DIR'])
    for (const folder of spec.stateDirectory === undefined ? usual : [spec.stateDirectory]) if (folder !== undefined) noteMade(folder, answers)
  }
  if (typeof toolchain !== 'string') {
    for (const part of toolchain) if (part !== 'host') answers.note(`s${part === 'node' ? process.execPath : pathOf(part)}`)
  }
  for (const source of Object.values(inputs)) answers.note(`s${pathOf(source)}`)
  for (const folder of [output ?? [], Object.values(outputs), Object.values(stores), keep ?? []].flat()) noteMade(folder, answers)
  for (const device of devices) answers.note(`l${pathOf(device)}`)
}

/** A folder that may be missing. */
function noteMade(folder: string, answers: Answers): void {
  answers.note(`s${folder}`)
  answers.note(`l${folder}`)
  answers.note(`s${path.dirname(path.resolve(answers.folder, folder))}`)
}
