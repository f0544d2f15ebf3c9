import { invalid, readInteger } from './check.ts'
import type { JsonSchema } from './field.ts'

/** Bytes, as a number, or a text as `512M`, `2GB`, `64KiB`, `1g`: each unit is 1024 of the one before. */
export type Size = number | string

/** Milliseconds, as a number, or a text as `500ms`, `90s`, `10m`, `2h`. */
export type Duration = number | string

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const bytes = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const

/** The longest time for setTimeout, which would fire at once for more. */
export const longestTimer: number = 2 ** 31 - 1

/**
 * Milliseconds from a text. A bare number is refused, because timeout(1) takes it for seconds, and Node for milliseconds.
 * @throws SpecError naming the option.
 */
export function readDuration(text: string, option: string): number {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text)
  if (match === null) throw invalid(option, `'${text}' is not a duration such as 500ms, 10s, 5m or 2h`)
  const unit = match[2] as keyof typeof milliseconds | undefined
  if (unit === undefined) throw invalid(option, `'${text}' has no unit: write ${text}ms, ${text}s, ${text}m or ${text}h`)
  const duration = Number(match[1]) * milliseconds[unit]
  if (duration > longestTimer) throw invalid(option, `'${text}' is longer than 24 days`)
  return duration
}

/**
 * Milliseconds, as a number or as `readDuration` has them.
 * @throws SpecError naming the entry.
 */
export function readMilliseconds(given: unknown, entry: string, least: number, most: number): number {
  return readInteger(typeof given === 'string' ? readDuration(given, entry) : given, entry, least, most, 'milliseconds', 'or a text such as 90s or 10m')
}

export function millisecondsSchema(least: number, most: number): JsonSchema {
  return { anyOf: [{ type: 'integer', minimum: least, maximum: most }, { type: 'string', pattern: String.raw`^\d+(ms|s|m|h)$` }] }
}

/**
 * Bytes from a text. A bare number is refused, because some people mean bytes by it, and others MiB.
 * @throws SpecError naming the option.
 */
export function readSize(text: string, option: string): number {
  const match = /^(\d+)(?:(B)|([KMGT])(?:i?B)?)?$/i.exec(text)
  if (match === null) throw invalid(option, `'${text}' is not a size such as 512M or 2G`)
  const unit = match[2] ?? match[3]
  if (unit === undefined) throw invalid(option, `'${text}' has no unit: write ${text}B, ${text}K, ${text}M, ${text}G or ${text}T`)
  return Number(match[1]) * bytes[unit.toUpperCase() as keyof typeof bytes]
}

/**
 * Bytes, as a number or as `readSize` has them.
 * @throws SpecError naming the entry
 */
export function readBytes(given: unknown, entry: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  return readInteger(typeof given === 'string' ? readSize(given, entry) : given, entry, least, most, 'bytes', 'or a text such as 512M or 2G')
}

export function bytesSchema(least: number): JsonSchema {
  return {
    anyOf: [
      { type: 'integer', minimum: least, maximum: Number.MAX_SAFE_INTEGER },
      { type: 'string', pattern: String.raw`^\d+([bB]|[kKmMgGtT]([iI]?[bB])?)$` },
    ],
  }
}

/** Bytes for people, without rounding: 2 GiB, 4097 bytes. */
export function sizeText(size: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let unit = 0
  let left = size
  while (left >= 1024 && left % 1024 === 0 && unit < units.length - 1) {
    left /= 1024
    unit += 1
  }
  return `${left} ${units[unit]}`
}
