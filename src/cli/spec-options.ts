import { fieldNames, fields, type Spec } from '../spec/fields.ts'
import { givenTwice, type GivenOptions } from './read-options.ts'

/** @throws SpecError naming the option. */
export function specFrom(given: GivenOptions): Spec {
  const spec: Record<string, unknown> = {}
  for (const name of fieldNames) {
    const { flag } = fields[name]
    const ofShortcuts = (flag.shortcuts ?? []).flatMap((shortcut) => (given.get(shortcut.name) ?? []).map(shortcut.textOf))
    const [first, ...more] = [...(given.get(flag.name) ?? []), ...ofShortcuts]
    if (first === undefined) continue
    if (more.length > 0 && !flag.isRepeatable) throw givenTwice(flag.name)
    spec[name] = flag.read([first, ...more], `--${flag.name}`)
  }
  return spec
}
