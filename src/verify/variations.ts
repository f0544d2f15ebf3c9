import { readFileSync } from 'node:fs'
import path from 'node:path'

import { lookInside } from '../command/inside.ts'
import { fields } from '../spec/fields.ts'
import { variablesOf } from '../spec/fields/env.ts'
import { isLent } from '../spec/outputs.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import { movedTo } from './moving.ts'
import type { VariationName } from './variation-names.ts'

/** A build that is being prepared. The first one is the spec as it is. */
export interface Draft {
  /** 2 for the first that is varied. */
  readonly number: number
  spec: Spec
  /** Processes that begin and end before the command. */
  processes: number
  /** Those that the command may use, by number. */
  processors: readonly number[]
  /** The inputs are copies with other times. */
  isShifted: boolean
  /** The inputs are copies whose folders list their entries in another order. */
  isReordered: boolean
  /** The values that differ, for people and for guesses. */
  readonly values: Partial<Record<VariationName, string>>
}

/** What the variations are told of the build and the host. */
export interface Ground {
  readonly spec: Spec
  readonly plan: Plan
  /** Of all builds together. */
  readonly builds: number
  /** Those that this program may use, by number. */
  readonly processors: readonly number[]
}

export interface Variation {
  /** One line, for people. */
  readonly about: string
  /** Only by name: a build may well be meant to have it the same. */
  readonly isAskedFor?: true
  /** Why this build or this host cannot have it. */
  readonly obstacle: (ground: Ground) => string | undefined
  readonly vary: (draft: Draft, ground: Ground) => void
}

const isLinux = process.platform === 'linux'
const declared = (field: string): string => `the spec says which it is (${field})`

/** Ids that no other default of buildjail has. */
const firstUid = 41_000
/** The upper half of the users that a session on FreeBSD leases by default (src/spec/fields/user.ts). */
const upperUsers = { first: 35_033, count: 32 }
/** Prime, so that no other difference is this one by chance. */
const processesBefore = 197
const secondsApart = 1000 * 86_400 + 4321
const noise = 'BUILDJAIL_VERIFY'

const shell = '/bin/sh'
const programs = { sh: [shell], mkdir: ['/bin/mkdir', '/usr/bin/mkdir'], taskset: ['/usr/bin/taskset', '/bin/taskset'] } as const

/** Where a session has a program. Undefined if it lacks it. */
function programIn(plan: Plan, name: keyof typeof programs): string | undefined {
  return programs[name].find((one) => typeof lookInside(one, plan) === 'object')
}

function lacking(plan: Plan, ...names: readonly (keyof typeof programs)[]): string | undefined {
  const missing = names.find((name) => programIn(plan, name) === undefined)
  return missing === undefined ? undefined : `the session has no ${programs[missing][0]}`
}

/** In the order in which they are told. */
export const variations: Readonly<Record<VariationName, Variation>> = {
  'host-name': {
    about: 'the host name',
    obstacle: ({ spec }) => (spec.hostname === undefined ? undefined : declared('hostname')),
    vary: (draft) => {
      const hostname = `verify-host-${draft.number}`
      draft.spec = { ...draft.spec, hostname }
      draft.values['host-name'] = hostname
    },
  },
  'user-ids': {
    about: 'the numbers of the user and the group',
    obstacle: ({ spec }) => (spec.user === undefined ? undefined : declared('user')),
    vary: (draft, { builds }) => {
      const id = firstUid + draft.number
      const count = Math.max(Math.floor(upperUsers.count / (builds - 1)), 1)
      const first = upperUsers.first + ((draft.number - 2) * count) % upperUsers.count
      draft.spec = { ...draft.spec, user: isLinux ? { uid: id, gid: id } : { leased: { first, count } } }
      draft.values['user-ids'] = isLinux ? String(id) : `${first}-${first + count - 1}`
    },
  },
  processors: {
    about: 'how many processors a process may use, as nproc(1) says',
    obstacle: ({ spec, plan, processors }) => {
      if (processors.length < 2) return 'this program has one processor'
      if (isLinux) return lacking(plan, 'taskset')
      return spec.limits?.cpus === undefined ? undefined : declared('limits.cpus')
    },
    vary: (draft, { processors }) => {
      const used = processors.slice(0, Math.floor(processors.length / 2))
      if (isLinux) draft.processors = used
      else draft.spec = { ...draft.spec, limits: { ...draft.spec.limits, cpus: used.length } }
      draft.values.processors = String(used.length)
    },
  },
  'process-ids': {
    about: 'the numbers of processes',
    // On FreeBSD a jail has the numbers of the host, which go on.
    obstacle: ({ plan }) => (isLinux ? lacking(plan, 'sh') : undefined),
    vary: (draft) => {
      if (!isLinux) return
      draft.processes = processesBefore * (draft.number - 1)
      draft.values['process-ids'] = String(draft.processes)
    },
  },
  'input-times': {
    about: 'the time stamps of inputs, in copies',
    obstacle: withoutInputs,
    vary: (draft) => {
      draft.isShifted = true
    },
  },
  'directory-order': {
    about: 'the order in which folders of inputs list their entries, in copies',
    obstacle: withoutInputs,
    vary: (draft) => {
      draft.isReordered = true
    },
  },
  environment: {
    about: `one variable more, ${noise}, that no build reads`,
    obstacle: () => undefined,
    vary: (draft) => {
      const value = `noise-of-build-${draft.number}`
      draft.spec = withVariable(draft.spec, noise, value)
      draft.values.environment = value
    },
  },
  'tmp-path': {
    about: 'TMPDIR, which lies deeper in /tmp',
    obstacle: ({ spec, plan }) => {
      if (variablesOf(spec.env ?? {})['TMPDIR'] !== undefined) return declared('env.TMPDIR')
      if (plan.mounts.some((mount) => mount.target === '/tmp' && isLent(mount))) return '/tmp is an output'
      return lacking(plan, 'sh', 'mkdir')
    },
    vary: (draft) => {
      const tmpdir = `/tmp/verify/deeper-${draft.number}`
      draft.spec = withVariable(draft.spec, 'TMPDIR', tmpdir)
      draft.values['tmp-path'] = tmpdir
    },
  },
  'build-path': {
    about: 'the path inside of the entry that the command runs in',
    isAskedFor: true,
    obstacle: ({ plan }) => (entryAround(plan) === undefined ? `${plan.cwd}, in which the command runs, is in no input and no output` : undefined),
    vary: (draft, { plan }) => {
      const from = entryAround(plan) as string
      const to = `${from}-verify-${draft.number}`
      draft.spec = movedTo(draft.spec, plan.cwd, from, to)
      draft.values['build-path'] = to
    },
  },
}

/** The clock is no variation: a time namespace changes none of the real time (time_namespaces(7)). */
export const clock = 'no system call changes the real time of a session; the builds began at different times'

/** What the entry of an input or output is called inside that the command runs in. The outermost, so that all of a project moves. */
function entryAround({ mounts, cwd }: Plan): string | undefined {
  const around = mounts.filter(({ entry, target }) => /^(?:inputs|output|outputs|stores)(?:\.|$)/.test(entry) && isWithin(cwd, target))
  return around.toSorted((a, b) => a.target.length - b.target.length)[0]?.target
}

function withoutInputs({ spec }: Ground): string | undefined {
  return Object.keys(spec.inputs ?? {}).length === 0 ? 'the spec has no input' : undefined
}

function withVariable(spec: Spec, name: string, value: string): Spec {
  const { join } = fields.env.flag
  return { ...spec, env: spec.env === undefined || join === undefined ? { [name]: value } : join(spec.env, { [name]: value }) }
}

/**
 * The command of a build. A program before the command varies what the spec cannot: taskset(1), or a shell, which becomes the command, or its parent where numbers of
 * processes vary, because it has its own number from before. All builds have the same ones: a shell adds variables, such as PWD, and arranges the others anew.
 * @param applied what is varied
 */
export function commandOf(command: readonly string[], applied: readonly VariationName[], { processes, processors }: Pick<Draft, 'processes' | 'processors'>, plan: Plan): readonly string[] {
  // So that starting it fails as without them.
  if (!isThere(command[0] ?? '', plan)) return command
  const pinned = isLinux && applied.includes('processors') ? [programIn(plan, 'taskset') as string, '-c', processors.join(','), ...command] : command
  const makesTmpdir = applied.includes('tmp-path')
  const counts = isLinux && applied.includes('process-ids')
  if (!makesTmpdir && !counts) return pinned
  const script = `buildjail_n=$1; shift; ${makesTmpdir ? `${programIn(plan, 'mkdir')} -p "\${TMPDIR:-/tmp}" && ` : ''}while [ "$buildjail_n" -gt 0 ]; do (:); buildjail_n=$((buildjail_n - 1)); done; unset buildjail_n; ${counts ? '"$@"; exit "$?"' : 'exec "$@"'}`
  return [shell, '-c', script, shell, String(processes), ...pinned]
}

/** False if a session surely lacks a program. */
function isThere(name: string, plan: Plan): boolean {
  const folders = name.includes('/') ? [''] : (plan.env['PATH'] ?? '').split(':')
  return folders.some((folder) => lookInside(path.posix.resolve(plan.cwd, folder, name), plan) !== 'absent')
}

/** Seconds that a build's copies are younger or older than its inputs. None of them is of the future, for which make(1) has a warning. */
export function shiftOf(number: number, newest: number): number {
  const seconds = secondsApart * (number - 1)
  return newest > seconds ? -seconds : seconds
}

/** Another order for each build. */
export function arrangedFor<T>(number: number, names: readonly T[]): readonly T[] {
  const turned = names.toReversed()
  const by = number - 2
  return by % Math.max(turned.length, 1) === 0 ? turned : [...turned.slice(by % turned.length), ...turned.slice(0, by % turned.length)]
}

/** The processors that this program may use, by number (proc_pid_status(5)). Where the system does not tell, as many numbers as there are. */
export function ownProcessors(count: number): readonly number[] {
  try {
    const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    const numbers = list.split(',').flatMap((part) => {
      const [first = NaN, last = first] = part.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
    if (numbers.length > 0 && numbers.every(Number.isInteger)) return numbers
  } catch {
    // FreeBSD has no such file.
  }
  return Array.from({ length: count }, (_, index) => index)
}

