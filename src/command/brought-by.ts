import { realpathSync } from 'node:fs'
import nodePath from 'node:path'

import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan-types.ts'
import { runningRuntime } from '../spec/running-runtime.ts'
import { layoutOf } from '../spec/system-layout.ts'
import { isPersonal } from './personal-folder.ts'
import { commandBehindShim } from './shim.ts'

/** The entry of a spec that shows a program of the host. */
export function broughtBy(path: string, { platform }: Pick<Plan, 'platform'>): { readonly entry: string; readonly withPath: string } {
  const shim = commandBehindShim(path)
  if (shim !== undefined) {
    const sentence = `it is a shim, so name the folder of the toolchain that it picks, which \`${shim}\` tells, in toolchain`
    return { entry: sentence, withPath: sentence }
  }
  const { toolchain, searchPath } = layoutOf(platform)
  const bin = nodePath.dirname(path)
  const quoted = (text: string): string => `'${text}'`
  const alsoPath = searchPath.split(':').includes(bin) ? '' : `, path: [${quoted(bin)}]`
  if (toolchain.some((part) => isWithin(path, part))) return { entry: "toolchain: 'host'", withPath: `toolchain: 'host'${alsoPath}` }
  const runtime = runningRuntime()
  if (isWithin(realpathSync.native(path), runtime.source) && !isPersonal(runtime.source)) {
    const entry = "toolchain: ['host', 'node']"
    return { entry, withPath: entry }
  }
  const entry = `toolchain: ['host', ${quoted(shownFor(path))}]`
  return { entry, withPath: entry + alsoPath }
}

/** A program has its libraries beside the folder that it is in. Where that shows somebody's own files too, it is shown alone. */
function shownFor(path: string): string {
  const bin = nodePath.dirname(path)
  const prefix = nodePath.dirname(bin)
  const isOfPrograms = /^s?bin$/.test(nodePath.basename(bin)) && prefix !== '/'
  return isOfPrograms && ![prefix, realpathSync.native(prefix)].some(isPersonal) ? prefix : path
}
