import type { Spec } from './fields.ts'

const asked = new WeakMap<object, Spec>()

/** The same error, of which `askedBy` knows what it asks for: fields of a spec, whose text is in its message by `specText`. */
export function asking<T>(error: T, spec: Spec): T {
  if (typeof error === 'object' && error !== null) asked.set(error, spec)
  return error
}

/** What an error asks to be put into the spec, for what has a spec in other words, as the command line. */
export function askedBy(error: unknown): Spec | undefined {
  return typeof error === 'object' && error !== null ? asked.get(error) : undefined
}

/** As JavaScript has it, for a message: `toolchain: ['host', '/opt/x'], path: ['/opt/x/bin']`. */
export function specText(spec: Spec): string {
  return Object.entries(spec)
    .map(([name, value]) => `${name}: ${text(value)}`)
    .join(', ')
}

function text(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(text).join(', ')}]`
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}
