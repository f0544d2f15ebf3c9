import { invalid, readInteger } from './check.ts'
import type { JsonSchema } from './field.ts'

const most = Number.MAX_SAFE_INTEGER
const units = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const

/**
 * Bytes from `512M` or `2GiB`. A bare number is refused: some people mean bytes by it, and others MiB.
 * @throws SpecError naming the option.
 */
export function readSize(text: string, option: string): number {
  const match = /^(\d+)(?:(B)|([KMGT])(?:iB)?)?$/.exec(text)
  if (match === null) throw invalid(option, `'${text}' is not a size such as 512M or 2G`)
  const unit = match[2] ?? match[3]
  if (unit === undefined) throw invalid(option, `'${text}' has no unit: write ${text}B, ${text}K, ${text}M, ${text}G or ${text}T`)
  return Number(match[1]) * units[unit as keyof typeof units]
}

/**
 * Bytes, as a number or as `readSize` has them.
 * @throws SpecError naming the entry
 */
export function readBytes(given: unknown, entry: string, least: number): number {
  return readInteger(typeof given === 'string' ? readSize(given, entry) : given, entry, least, most, 'bytes', 'or a text such as 512M or 2G')
}

export function bytesSchema(least: number): JsonSchema {
  return { anyOf: [{ type: 'integer', minimum: least, maximum: most }, { type: 'string', pattern: String.raw`^\d+(B|[KMGT](iB)?)$` }] }
}
