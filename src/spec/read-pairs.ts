import { invalid } from './check.ts'

/**
 * The values of an option of the form `name=value`, by name. A value can hold further equals signs.
 * @throws SpecError naming the option.
 */
export function readPairs(texts: readonly string[], option: string, form: string): Record<string, string> {
  const pairs = new Map<string, string>()
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) throw invalid(option, `'${text}' is not of the form ${form}`)
    const name = text.slice(0, at)
    if (pairs.has(name)) throw invalid(option, `'${name}' is given twice`)
    pairs.set(name, text.slice(at + 1))
  }
  return Object.fromEntries(pairs)
}
