import { fieldNames, fields } from '../spec/fields.ts'

/** The commands of `buildjail`; the command that runs in a session is another thing. */
export type Verb = 'run' | 'plan' | 'ps' | 'gc' | 'doctor'

/** An option of a verb, and its line in the verb's help. An option whose value has two forms is listed twice. */
export interface Option {
  /** Without its hyphens. */
  readonly name: string
  /** The name of its value in the help; undefined for an option without a value. */
  readonly value: string | undefined
  readonly help: string
}

const ofSpecs: readonly Option[] = fieldNames.map((name) => fields[name].flag)
const ofRuns: readonly Option[] = [
  ...ofSpecs,
  { name: 'timeout', value: 'DURATION', help: 'stop the command after 500ms, 10s, 5m or 2h' },
  { name: 'record', value: 'file', help: "write the kernel's own description of the session to file, as JSON" },
]
const ofLists: readonly Option[] = [{ name: 'state-directory', value: 'DIR', help: 'where the sessions are kept; default: where run keeps them' }]

/** The options of every verb, without `--help`, which all verbs have. */
export const optionsOf: Readonly<Record<Verb, readonly Option[]>> = {
  run: [...ofRuns, json('collect stdout and stderr, and print { result, trace } or { error }')],
  plan: [...ofRuns, json('print the plan as JSON')],
  ps: [...ofLists, json('print an array of { id, name, pid, startedAt, state, root, jid }')],
  gc: [...ofLists, json('print { recovered, leftAlone }')],
  doctor: [json('print { isSupported, obstacles, limitations, host }')],
}

function json(help: string): Option {
  return { name: 'json', value: undefined, help }
}

export function isVerb(word: string | undefined): word is Verb {
  return word !== undefined && Object.hasOwn(optionsOf, word)
}
