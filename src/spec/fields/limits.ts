import { bare } from '../bare.ts'
import { invalid, readInteger, readRecord } from '../check.ts'
import { type Fact, type Field, type JsonSchema } from '../field.ts'
import { hostMemory } from '../host-memory.ts'
import { joinedByName } from '../join.ts'
import { halfOf, roomForTmp, sizeOfAll, tmpfsMount } from '../memory-files.ts'
import type { PlanLimits } from '../plan-types.ts'
import { millisecondsSchema, readMilliseconds } from '../read-duration.ts'
import { bytesSchema, readBytes } from '../read-size.ts'
import { readable } from '../readable.ts'
import { sizeText } from '../size-text.ts'

export interface WithLimits {
  /**
   * How much the build may take. Without it a build may take as much as the host has, but for /tmp. A limit that the host cannot hold
   * refuses the session (LimitUnsupportedError), unless `policy` is `best-effort`. A build can add `openFiles`, `fileSize`, `output` and
   * `wallTime` to the limits of a pool's base, and then the smaller one holds; the others are settled by the base.
   */
  readonly limits?: Limits
}

/** Bytes, as a number or as `512M`, `2G`. */
export type Size = number | string

/** Milliseconds, as a number or as `90s`, `10m`. */
export type Duration = number | string

export interface Limits {
  /** Of all processes together. */
  readonly memory?: Size
  /** Of all processes together, beyond `memory`. 0: none. */
  readonly swap?: Size
  /** At a time, threads as well where the system counts those. */
  readonly processes?: number
  /** How many processors' worth of time all processes together get: 0.5, 2, ... */
  readonly cpus?: number
  /** Processor time of all processes together; they are killed then, and nothing can be started any more. */
  readonly cpuTime?: Duration
  /** Open at a time, of each process (RLIMIT_NOFILE). */
  readonly openFiles?: number
  /** Of a file that a process writes (RLIMIT_FSIZE). */
  readonly fileSize?: Size
  /** Of the private /tmp. Default: 2 GiB, but at most half of the memory, and of `memory`. Files in /tmp take memory; an empty /tmp takes none. */
  readonly tmpSize?: Size
  /** Files and directories in the private /tmp. Default: one for each 4 KiB of `tmpSize`, and at least 1024. */
  readonly tmpFiles?: number
  /** Of stdout and stderr of each command together; a command that writes more is killed. */
  readonly output?: Size
  /** How long the session may be open; its processes are killed then, and nothing can be started any more. */
  readonly wallTime?: Duration
  /** `strict` (default): what cannot be held refuses the session. `best-effort`: it is left out, and `record()` has what was applied. */
  readonly policy?: 'strict' | 'best-effort'
}

/** One that can end a build, or that a host may not be able to hold. */
export type LimitName = Exclude<keyof Limits, 'policy'>

const page = 4096
const gib = 1024 ** 3
const most = Number.MAX_SAFE_INTEGER
/** setTimeout counts up to this. */
const longestTimer = 2 ** 31 - 1
const usualTmpSize = 2 * gib

/** One limit, with everything that depends on what kind of value it has. */
interface Kind {
  /** @throws SpecError naming the entry */
  readonly read: (given: unknown, entry: string) => number | string
  readonly schema: JsonSchema
  /** The value of `--limit NAME=TEXT`, for `read`. */
  readonly ofFlag: (text: string, option: string) => unknown
  /** The name of its value in the help. */
  readonly value: string
  /** As `buildjail plan` has it. */
  readonly text: (value: number | string) => string
  /** Whether one build can add it to a base. */
  readonly isAddable?: true
}

const integer = (minimum: number, maximum: number): JsonSchema => ({ type: 'integer', minimum, maximum })

const size = (least: number): Kind => ({
  read: (given, entry) => readBytes(given, entry, least),
  schema: bytesSchema(least),
  value: 'SIZE',
  ofFlag: (text) => text,
  text: (value) => sizeText(value as number),
})

const whole = (least: number, highest: number): Kind => ({
  read: (given, entry) => readInteger(given, entry, least, highest),
  schema: integer(least, highest),
  value: 'NUMBER',
  ofFlag: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text),
  text: String,
})

const duration = (highest: number): Kind => ({
  read: (given, entry) => readMilliseconds(given, entry, 1, highest),
  schema: millisecondsSchema(1, highest),
  value: 'DURATION',
  ofFlag: (text) => text,
  text: (value) => `${value} ms`,
})

const [fewestCpus, mostCpus] = [0.01, 65_536]
const processors: Kind = {
  ...whole(1, mostCpus),
  // The kernels count in thousandths or hundredths of one.
  read: (given, entry) => {
    if (typeof given === 'number' && given >= fewestCpus && given <= mostCpus) return given
    throw invalid(entry, `must be a number from ${fewestCpus} to ${mostCpus}`)
  },
  schema: { type: 'number', minimum: fewestCpus, maximum: mostCpus },
}

const policies = ['strict', 'best-effort'] as const
const eitherPolicy: Kind = {
  read: (given, entry) => {
    const known = policies.find((one) => one === given)
    if (known === undefined) throw invalid(entry, "must be 'strict' or 'best-effort'")
    return known
  },
  schema: { enum: policies, default: 'strict' },
  value: policies.join('|'),
  ofFlag: (text) => text,
  text: String,
}

const kinds: Readonly<Record<keyof Limits, Kind & { readonly about: string }>> = {
  memory: { ...size(page), about: 'Memory of all processes together.' },
  swap: { ...size(0), about: 'Swap of all processes together, beyond memory. 0B: none.' },
  processes: { ...whole(1, 2 ** 22), about: 'Processes at a time, threads as well where the system counts those.' },
  cpus: { ...processors, about: "How many processors' worth of time all processes together get: 0.5, 2, ..." },
  cpuTime: { ...duration(most), about: 'Processor time of all processes together; they are killed then, and nothing can be started any more.' },
  // Fewer and no program could be loaded.
  openFiles: { ...whole(8, 2 ** 30), isAddable: true, about: 'Files that each process may have open at a time (RLIMIT_NOFILE).' },
  fileSize: { ...size(1), isAddable: true, about: 'Size of a file that a process writes (RLIMIT_FSIZE).' },
  tmpSize: { ...size(page), about: 'Size of the private /tmp, which is memory. Default: 2 GiB, but at most half of the memory, and of the limit memory.' },
  tmpFiles: { ...whole(1, 2 ** 32), about: 'Files and directories in the private /tmp. Default: one for each 4 KiB of tmpSize, and at least 1024.' },
  output: { ...size(1), isAddable: true, about: 'What each command writes to stdout and stderr together; a command that writes more is killed.' },
  wallTime: { ...duration(longestTimer), isAddable: true, about: 'How long the session may be open; its processes are killed then, and nothing can be started any more.' },
  policy: { ...eitherPolicy, about: 'strict: a limit that this host cannot hold refuses the session. best-effort: it is left out.' },
}

/** For the help: what a limit is of, and how its value is called. Undefined where there is no such limit. */
export function toldOfLimit(name: string): { readonly value: string; readonly about: string } | undefined {
  return kindOf(name)
}

const names = Object.keys(kinds) as (keyof Limits)[]
const kindOf = (name: string): (typeof kinds)[keyof Limits] | undefined => (Object.hasOwn(kinds, name) ? kinds[name as keyof Limits] : undefined)

/** @throws SpecError naming the entry */
function kindNamed(name: string, entry: string): Kind {
  const kind = kindOf(name)
  if (kind === undefined) throw invalid(entry, `is not a limit; there are ${names.join(', ')}`)
  return kind
}

/**
 * The number that a limit is.
 * @throws SpecError naming the entry
 */
export function readLimit(name: LimitName, given: unknown, entry: string): number {
  return kinds[name].read(given, entry) as number
}

function read(given: unknown, entry: string): Limits {
  const record = readRecord(given, entry)
  const limits = Object.create(null) as Record<string, unknown>
  for (const [key, value] of Object.entries(record)) {
    const kind = kindNamed(key, `${entry}.${key}`)
    if (value !== undefined) limits[key] = kind.read(value, `${entry}.${key}`)
  }
  return Object.freeze(limits) as Limits
}

function readFlags(words: readonly string[], option: string): Limits {
  const limits = Object.create(null) as Record<string, unknown>
  for (const text of words) {
    const [name = '', value] = text.split(/=(.*)/s)
    if (value === undefined) throw invalid(option, `'${text}' is not NAME=VALUE, such as memory=2G`)
    if (Object.hasOwn(limits, name)) throw invalid(option, `'${name}' is given twice`)
    // As it was typed.
    const entry = `${option} ${readable(text)}`
    const kind = kindNamed(name, entry)
    limits[name] = kind.read(kind.ofFlag(value, entry), entry)
  }
  return Object.freeze(limits) as Limits
}

const none: Limits = Object.freeze(Object.create(null) as Limits)

/** The smaller of both holds. */
function narrowed(base: PlanLimits, added: Limits): PlanLimits {
  const both: Record<string, unknown> = { ...base }
  for (const [name, bound] of Object.entries<unknown>(added as Record<string, unknown>)) {
    if (kindOf(name)?.isAddable !== true) {
      const addable = names.filter((one) => kinds[one].isAddable === true)
      throw invalid(`limits.${name}`, `cannot be added: it is settled by the base; a build can add ${addable.join(', ')}`)
    }
    const before = base[name as keyof PlanLimits] as number | undefined
    both[name] = before === undefined ? bound : Math.min(before, bound as number)
  }
  return bare(both as unknown as PlanLimits)
}

export const limits: Field<Limits, true> = {
  read,
  plan: ({ layout, mounts, settled }, given = none) => {
    const base = settled.limits as PlanLimits | undefined
    if (base !== undefined) {
      settled.limits = narrowed(base, given)
      return
    }
    const { tmpSize, tmpFiles, policy = 'strict', ...others } = given
    const asked = tmpSize as number | undefined
    const half = Math.min(halfOf(hostMemory()), halfOf(given.memory as number | undefined))
    const room = roomForTmp(sizeOfAll(mounts), half, asked)
    for (const { kind, target } of layout.own) {
      if (kind === 'tmpfs') mounts.push(tmpfsMount(target, asked ?? Math.min(usualTmpSize, room), tmpFiles, 'tmpfs'))
    }
    settled.limits = bare({ ...(others as Omit<PlanLimits, 'policy'>), policy })
  },
  isAddable: true,
  facts: ({ limits: { policy, ...given } }) => {
    const facts = Object.entries(given).map(([name, value]) => `${name} ${kindOf(name)?.text(value) ?? ''}`)
    if (policy === 'best-effort') facts.push('as far as the host can hold them')
    return facts.length === 0 ? [] : [['limits', facts.join(', ')] satisfies Fact]
  },
  flag: {
    name: 'limit',
    value: 'NAME=VALUE',
    help: 'how much the build may take: memory=2G, processes=64, wallTime=10m, ...; repeatable',
    isRepeatable: true,
    offers: { words: names.map((one) => `${one}=`) },
    shortcuts: [{ name: 'tmp-size', value: 'SIZE', help: 'the same as --limit tmpSize=SIZE: the most that is in /tmp', textOf: (value) => `tmpSize=${value}` }],
    read: readFlags,
    join: joinedByName,
  },
  schema: {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { ...kinds[name].schema, description: kinds[name].about }])),
    additionalProperties: false,
    description: 'How much the build may take.',
  },
}
