import { targetOf } from '../spec/fields/sources.ts'
import { isWithin } from '../spec/paths.ts'
import type { Spec } from '../spec/spec.ts'

/** The same spec with another path inside for an entry and everything in it. Words of a command stay as they are. */
export function movedTo(spec: Spec, cwd: string, from: string, to: string): Spec {
  const moved = (path: string): string => (isWithin(path, from) ? to + path.slice(from.length) : path)
  const keysMoved = <Value>(values: Readonly<Record<string, Value>> | undefined, folder: string): Readonly<Record<string, Value>> =>
    Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [isWithin(targetOf(key, folder), from) ? moved(targetOf(key, folder)) : key, value]))
  const { output, outputs, ...others } = spec
  const isOutputMoved = output !== undefined && isWithin('/output', from)
  return {
    ...others,
    ...(spec.inputs && { inputs: keysMoved(spec.inputs, '/inputs') }),
    ...(output !== undefined && !isOutputMoved && { output }),
    ...((outputs !== undefined || isOutputMoved) && { outputs: { ...keysMoved(outputs, '/outputs'), ...(isOutputMoved && { [moved('/output')]: output }) } }),
    ...(spec.stores && { stores: keysMoved(spec.stores, '/') }),
    ...(spec.tmpfs && { tmpfs: keysMoved(spec.tmpfs, '/') }),
    ...(spec.path && { path: spec.path.map(moved) }),
    cwd: moved(cwd),
  }
}
