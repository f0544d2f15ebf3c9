import type { JsonSchema } from './field.ts'
import { fieldNames, fields } from './fields.ts'
import { longestTimer, millisecondsSchema } from './units.ts'

/** The JSON Schema of a spec. Like `checkedSpec` it knows shapes only. */
export const specSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'buildjail spec',
  type: 'object',
  properties: Object.fromEntries(fieldNames.map((name) => [name, fields[name].schema])),
  additionalProperties: false,
}

const { $schema, properties, additionalProperties } = specSchema as { readonly $schema: string; readonly properties: JsonSchema; readonly additionalProperties: false }

/** The JSON Schema of a file for `buildjail run -f`: a spec, and what can be run in it. Published as `buildjail/schema.json`. */
export const specFileSchema: JsonSchema = {
  $schema,
  title: 'buildjail spec file',
  description: 'A build: everything that it may see, and what it runs. Relative paths of the host are relative to the folder of the file.',
  type: 'object',
  properties: {
    $schema: { type: 'string', description: 'Where this schema is, for editors.' },
    command: {
      type: 'array',
      items: { type: 'string', pattern: String.raw`^[^\0]*$` },
      minItems: 1,
      description: 'What is run, word by word and without a shell; a command of the command line is in its place.',
    },
    timeout: { ...millisecondsSchema(0, longestTimer), description: 'After which the command is stopped: milliseconds, or a text as 90s or 10m.' },
    ...properties,
  },
  additionalProperties,
  // Of editors that know JSON with comments, as VS Code.
  allowComments: true,
  allowTrailingCommas: true,
}
