import type { JsonSchema } from './field.ts'
import { fieldNames, fields } from './fields.ts'

/** The JSON Schema of a spec. Like `checkedSpec` it knows shapes only. */
export const specSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'buildjail spec',
  type: 'object',
  properties: Object.fromEntries(fieldNames.map((name) => [name, fields[name].schema])),
  additionalProperties: false,
}
