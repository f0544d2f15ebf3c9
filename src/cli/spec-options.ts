import { InvalidSpecError } from '../spec-errors.ts'
import type { Shortcut } from '../spec/field.ts'
import { fieldNames, fields, type Spec } from '../spec/fields.ts'
import { readable } from '../spec/readable.ts'
import { givenTwice, type GivenOptions } from './read-options.ts'

/** @throws SpecError naming the option. */
export function specFrom(given: GivenOptions): Spec {
  const spec: Record<string, unknown> = {}
  for (const name of fieldNames) {
    const { flag } = fields[name]
    const shortcuts = flag.shortcuts ?? []
    const ofShortcuts = shortcuts.flatMap((shortcut) => (given.get(shortcut.name) ?? []).map(shortcut.textOf))
    const [first, ...more] = [...(given.get(flag.name) ?? []), ...ofShortcuts]
    if (first === undefined) continue
    if (more.length > 0 && !flag.isRepeatable) throw givenTwice(flag.name)
    try {
      spec[name] = flag.read([first, ...more], `--${flag.name}`)
    } catch (error) {
      throw asTyped(error, `--${flag.name}`, shortcuts, given)
    }
  }
  return spec
}

/** The same error, of the shortcut that was typed in place of the option that it is short for. */
function asTyped(error: unknown, option: string, shortcuts: readonly Shortcut[], given: GivenOptions): unknown {
  if (!(error instanceof InvalidSpecError)) return error
  const { entry } = error
  for (const { name, textOf } of shortcuts) {
    const value = (given.get(name) ?? []).find((one) => entry === `${option} ${readable(textOf(one))}`)
    if (value !== undefined) return new InvalidSpecError(`--${name} ${readable(value)}`, error.message.slice(entry.length + 2))
  }
  return error
}
