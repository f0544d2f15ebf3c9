import type { Draft } from './field.ts'
import type { InputSource } from './fields/sources.ts'
import { isLeftOut, pathOf } from './optional-source.ts'
import type { Mount } from './plan-types.ts'
import { inputMount, overlayMount } from './source-mount.ts'

/**
 * The mount of an input or a part of the toolchain. Undefined where it is optional and not there: the plan tells of it then.
 * @throws SpecError when the source is not there, or is neither a directory nor a regular file.
 */
export function plannedInput(draft: Draft, entry: string, source: InputSource, target: string): Mount | undefined {
  if (isLeftOut(draft, entry, source)) return undefined
  const isOverlay = typeof source === 'object' && source.overlay === true
  return (isOverlay ? overlayMount : inputMount)(entry, pathOf(source), target)
}
