import { invalid, readInteger } from './check.ts'
import type { JsonSchema } from './field.ts'

/** Bytes as a number, or a text such as `512M`, `2GB`, `64KiB`, `1 g`: each unit is 1024 of the one before. */
export type Size = number | string

/** Milliseconds as a number, or a text such as `500ms`, `90s`, `1m30s`, `10 min`, `2h`. */
export type Duration = number | string

const milliseconds = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const
const bytes = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const

/** The larger unit comes first, and each at most once. */
const durationPattern = String.raw`^(?=\d)(?:(\d+) ?d)?(?: ?(\d+) ?h)?(?: ?(\d+) ?m(?:in)?)?(?: ?(\d+) ?s(?:ec)?)?(?: ?(\d+) ?ms)?$`
const sizePattern = String.raw`^(\d+) ?(?:[bB]|[kKmMgGtT](?:[iI]?[bB])?)$`

/** The longest time for setTimeout, which would fire at once for more. */
export const longestTimer: number = 2 ** 31 - 1

/**
 * Milliseconds from a text. A bare number is refused, because timeout(1) takes it for seconds, and Node for milliseconds.
 * @throws SpecError naming the option.
 */
export function readDuration(text: string, option: string): number {
  if (/^\d+$/.test(text)) throw invalid(option, `'${text}' has no unit: write ${text}ms, ${text}s, ${text}m or ${text}h`)
  const match = new RegExp(durationPattern).exec(text)
  if (match === null) throw invalid(option, `'${text}' is not a duration such as 500ms, 10s, 1m30s or 2h`)
  const duration = Object.values(milliseconds).reduce((sum: number, unit, index) => sum + unit * Number(match[index + 1] ?? 0), 0)
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
  return { anyOf: [{ type: 'integer', minimum: least, maximum: most }, { type: 'string', pattern: durationPattern }] }
}

/**
 * Bytes from a text. A bare number is refused, because some people mean bytes by it, and others MiB.
 * @throws SpecError naming the option.
 */
function readSize(text: string, option: string): number {
  if (/^\d+$/.test(text)) throw invalid(option, `'${text}' has no unit: write ${text}B, ${text}K, ${text}M, ${text}G or ${text}T`)
  const match = new RegExp(sizePattern).exec(text)
  if (match === null) throw invalid(option, `'${text}' is not a size such as 512M or 2G`)
  const unit = /[a-z]/i.exec(text)?.[0] ?? ''
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
      { type: 'string', pattern: sizePattern },
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
