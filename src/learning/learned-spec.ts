import { realpathSync } from 'node:fs'
import path from 'node:path'

import type { Trace } from '../native/trace.ts'
import { filesOf } from '../recording/seen-files.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan-types.ts'
import { partsOf } from '../spec/fields/env.ts'
import type { InputSource, Source, Spec } from '../spec/spec.ts'
import { hiddenIn, type Hiding } from './hidden.ts'
import { narrowed, type NarrowedInput } from './narrowed.ts'
import { narrowedToolchain, type NarrowedTool } from './narrowed-toolchain.ts'
import { toolchainOf, usedToolchain, usedTree } from './used-tree.ts'

/** An input of a learned spec, by its target. */
export interface LearnedInput {
  readonly target: string
  readonly source: InputSource
  /** Undefined for an input that is unchanged. */
  readonly narrowed: NarrowedInput | undefined
}

export interface LearnedSpec {
  readonly toolchain: 'none' | readonly NarrowedTool[]
  readonly inputs: readonly LearnedInput[]
  /** Targets of inputs, and entries of the toolchain, that were given and in which nothing was found. A runtime on PATH is one, too. */
  readonly dropped: readonly string[]
  /** The other fields, unchanged, without the entries in `dropped`. */
  readonly rest: Omit<Spec, 'toolchain' | 'inputs' | 'trace'>
}

/**
 * The parts of a spec that a command used.
 * @param given the spec of its session, with `project` as an overlay at its own path
 * @param exclude the patterns of the paths in the project that the command did not see, besides its secrets
 * @param envFiles whether the command saw the secrets
 */
export function learnedSpec(trace: Trace, plan: Plan, given: Spec, project: string, exclude: readonly string[], envFiles: boolean): LearnedSpec {
  const { toolchain = 'host', inputs = {}, trace: _, path: __, ...rest } = given
  const kept = Object.keys(given.outputs ?? {})
  const { unused } = filesOf(trace, plan)
  const others = Object.entries(inputs).filter(([target]) => target !== project)
  const used = others.filter(([target]) => !unused.includes(`inputs.${target}`))
  const dropped = [...unusedTools(toolchain, trace, plan, unused), ...others.filter((one) => !used.includes(one)).map(([target]) => target)]
  const mounted = [...kept, ...others.map(([target]) => target)].filter((target) => isWithin(target, project))
  const hiding: Hiding = { tree: usedTree(trace, plan, project, kept), plan, exclude, envFiles }
  const ofProject = narrowed(hiding.tree, mounted).map((one): LearnedInput => ({ target: one.path, source: sourceOf(one, hiding), narrowed: one }))
  return {
    toolchain: toolchain === 'none' ? toolchain : narrowedToolchain(usedToolchain(trace, plan), toolchainOf(plan)),
    inputs: [...ofProject, ...used.map(([target, source]): LearnedInput => ({ target, source, narrowed: undefined }))],
    dropped,
    rest: withoutDropped({ ...rest, path: plan.path, env: withLocale(rest.env, toolchain, plan) }, dropped),
  }
}

/** Entries of the toolchain in which nothing was found. */
function unusedTools(given: NonNullable<Spec['toolchain']>, trace: Trace, { mounts }: Plan, unused: readonly string[]): readonly string[] {
  if (given === 'none') return []
  const runtime = realpathSync.native(process.execPath)
  const isUsed = (source: Source, index: number): boolean => {
    const entry = source === 'host' ? 'toolchain' : `toolchain[${index}]`
    if (mounts.some((mount) => mount.entry === entry)) return !unused.includes(entry)
    // It lies in another part of the toolchain. It only adds the place of the runtime on PATH.
    return source === 'node' && trace.files.some(({ path: one, leadsTo, first }) => first === 'found' && (one === runtime || leadsTo === runtime))
  }
  return (given === 'host' ? [given] : given).filter((one, index) => !isUsed(one, index)).map((one) => (typeof one === 'string' ? one : one.path))
}

/** The host's toolchain as a whole sets this variable, and a list of parts does not. */
function withLocale(given: Spec['env'], toolchain: NonNullable<Spec['toolchain']>, { env }: Plan): NonNullable<Spec['env']> {
  const { pass, set } = partsOf(given ?? {})
  const locale = toolchain.includes('host') && !pass.includes('LC_ALL') ? env['LC_ALL'] : undefined
  return { pass, set: { ...(locale !== undefined && { LC_ALL: locale }), ...set } }
}

function sourceOf({ path: folder, isFolder, isOverlay, isEmpty = false, unused }: NarrowedInput, hiding: Hiding): InputSource {
  if (!isFolder) return folder
  const hidden = hiddenIn(folder, hiding)
  const exclude = isEmpty ? ['*'] : [...hidden, ...unused.filter((one) => !hidden.includes(one))]
  if (!isOverlay && exclude.length === 0) return folder
  return { path: folder, ...(isOverlay && { overlay: true }), ...(exclude.length > 0 && { exclude }) }
}

/** PATH and variables without folders that are not shown any more. */
function withoutDropped({ path: before, env, ...rest }: LearnedSpec['rest'], dropped: readonly string[]): LearnedSpec['rest'] {
  const isShown = (value: string): boolean => !dropped.some((folder) => folder.startsWith('/') && isWithin(value, folder))
  const unusedBin = dropped.includes('node') ? path.dirname(realpathSync.native(process.execPath)) : undefined
  const kept = before?.filter((folder) => isShown(folder) && folder !== unusedBin) ?? []
  if (env === undefined) return { ...rest, ...(kept.length > 0 && { path: kept }) }
  // Never the values of those that are passed on: they may be secrets.
  const { pass, set } = partsOf(env)
  return { ...rest, ...(kept.length > 0 && { path: kept }), env: { pass, set: Object.fromEntries(Object.entries(set).filter(([, value]) => isShown(value))) } }
}
