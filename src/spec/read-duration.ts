import { invalid, readInteger } from './check.ts'
import type { JsonSchema } from './field.ts'

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/**
 * Milliseconds from `500ms`, `10s`, `5m` or `2h`. A bare number is refused: timeout(1) takes it for seconds, and Node for milliseconds.
 * @throws SpecError naming the option.
 */
export function readDuration(text: string, option: string): number {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text)
  if (match === null) throw invalid(option, `'${text}' is not a duration such as 500ms, 10s, 5m or 2h`)
  const unit = match[2] as keyof typeof milliseconds | undefined
  if (unit === undefined) throw invalid(option, `'${text}' has no unit: write ${text}ms, ${text}s, ${text}m or ${text}h`)
  const duration = Number(match[1]) * milliseconds[unit]
  // setTimeout counts up to this; it would fire at once for more.
  if (duration > 2 ** 31 - 1) throw invalid(option, `'${text}' is longer than 24 days`)
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
