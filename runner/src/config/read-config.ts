import { readFileSync } from 'node:fs'

import { fields, type Config } from './fields.ts'
import { InvalidConfigError } from './invalid.ts'

/** @throws InvalidConfigError, and the errors of readFileSync */
export function readConfigFile(file: string): Config {
  let given: unknown
  try {
    given = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) throw new InvalidConfigError(file, `is no JSON: ${error.message}`)
    throw error
  }
  return readConfig(given)
}

/** @throws InvalidConfigError */
export function readConfig(given: unknown): Config {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new InvalidConfigError('the file', 'must hold an object')
  const { $schema: _, ...entries } = given as Readonly<Record<string, unknown>>
  for (const name of Object.keys(entries)) {
    if (!Object.hasOwn(fields, name)) throw new InvalidConfigError(name, `is not a field; there are ${Object.keys(fields).join(', ')}`)
  }
  const config: Record<string, unknown> = {}
  for (const [name, { read, missing }] of Object.entries(fields)) {
    if (Object.hasOwn(entries, name)) config[name] = read(entries[name], name)
    else if (missing === undefined) throw new InvalidConfigError(name, 'is missing')
    else config[name] = missing()
  }
  return config as unknown as Config
}
