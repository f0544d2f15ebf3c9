import { realpathSync } from 'node:fs'
import nodePath from 'node:path'

import type { Spec } from '../spec/fields.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan-types.ts'
import { runningRuntime } from '../spec/host-parts.ts'
import { layoutOf } from '../spec/system-layout.ts'
import { isPersonal } from './personal-folder.ts'
import { commandBehindShim } from './shim.ts'

/** What brings a program of the host into a session: fields of a spec, or a sentence where none do. */
export type Bringing = Pick<Spec, 'toolchain' | 'path'> | string

/** @param isSought whether it is found by PATH */
export function broughtBy(path: string, { platform }: Pick<Plan, 'platform'>, isSought: boolean): Bringing {
  const shim = commandBehindShim(path)
  if (shim !== undefined) return `it is a shim, so name the folder of the toolchain that it picks, which \`${shim}\` tells, in toolchain`
  const { toolchain, searchPath } = layoutOf(platform)
  const bin = nodePath.dirname(path)
  const alsoPath = isSought && !searchPath.split(':').includes(bin) ? { path: [bin] } : {}
  if (toolchain.some((part) => isWithin(path, part))) return { toolchain: 'host', ...alsoPath }
  const runtime = runningRuntime()
  if (isWithin(realpathSync.native(path), runtime.source) && !isPersonal(runtime.source)) return { toolchain: ['host', 'node'] }
  return { toolchain: ['host', shownFor(path)], ...alsoPath }
}

/** A program has its libraries beside the folder that it is in. Where that shows somebody's own files too, it is shown alone. */
function shownFor(path: string): string {
  const bin = nodePath.dirname(path)
  const prefix = nodePath.dirname(bin)
  const isOfPrograms = /^s?bin$/.test(nodePath.basename(bin)) && prefix !== '/'
  return isOfPrograms && ![prefix, realpathSync.native(prefix)].some(isPersonal) ? prefix : path
}
