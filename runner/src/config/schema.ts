import { fields, notOfTheBase } from './fields.ts'

interface ObjectSchema {
  readonly properties: Readonly<Record<string, object>>
}

/** JSON Schema of `runner.json`. @param specFile that of buildjail's spec files */
export function configSchema({ properties }: ObjectSchema): object {
  const entries = Object.entries(fields)
  const left = new Set<string>([...notOfTheBase, '$schema', 'command'])
  const session = {
    ...fields.session.schema,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !left.has(name))),
    additionalProperties: false,
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'buildjail-runner configuration',
    type: 'object',
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])), session },
    required: entries.filter(([, { missing }]) => missing === undefined).map(([name]) => name),
    additionalProperties: false,
  }
}
