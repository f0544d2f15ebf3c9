import type { Offers } from '../spec/field.ts'
import { fieldNames, fields } from '../spec/fields.ts'

/** The commands of `buildjail`; the command that runs in a session is another thing. */
export type Verb = 'run' | 'plan' | 'page' | 'ps' | 'gc' | 'doctor' | 'bench' | 'completion'

/** An option of a verb: what is read, its line in the help, and what a shell completes it with. */
export interface Option {
  /** Without its hyphens. */
  readonly name: string
  /** One letter that says the same. */
  readonly short?: string
  /** The name of its value in the help; undefined for an option without a value. */
  readonly value: string | undefined
  readonly help: string
  readonly isRepeatable: boolean
  readonly offers: Offers
}

const once = { isRepeatable: false, offers: {} } as const

const ofFields: readonly Option[] = fieldNames.flatMap((name) => {
  const { flag } = fields[name]
  return [flag, ...(flag.shortcuts ?? []).map((shortcut) => ({ ...once, name: shortcut.name, value: shortcut.value, help: shortcut.help }))]
})
const ofSessions: readonly Option[] = [
  { ...once, name: 'file', short: 'f', value: 'FILE', help: 'read the spec from FILE, which is JSON with comments; what options say is added, or in place of it', offers: { paths: 'any' } },
  ...ofFields,
  { ...once, name: 'timeout', value: 'DURATION', help: 'stop the command after 500ms, 10s, 5m or 2h' },
  { ...once, name: 'page', value: 'FILE', help: 'write what was built, used and done to FILE, as a page for a browser', offers: { paths: 'any' } },
  { ...once, name: 'record', value: 'FILE', help: 'write the same as JSON, of which buildjail page makes the page', offers: { paths: 'any' } },
  { ...once, name: 'env-values', value: undefined, help: 'in these two, have the values of all variables, secrets as well' },
]
const ofRuns: readonly Option[] = [
  { ...once, name: 'pty', value: undefined, help: 'give the command a terminal of its own, also where there is none here; stdin is typed into it' },
  { ...once, name: 'progress', value: undefined, help: 'at a terminal, show a line of how far the command is in place of what it writes there, which follows where it fails' },
]
const ofLists: readonly Option[] = [
  { ...once, name: 'state-directory', value: 'DIR', help: 'where the sessions are kept; default: where run keeps them', offers: { paths: 'folders' } },
]

const ofBench: readonly Option[] = [
  { ...once, name: 'full', value: undefined, help: 'every case, with many samples: it takes many minutes of a machine that does nothing else' },
  { ...once, name: 'only', value: 'CASE', help: 'this case; may be given again', isRepeatable: true },
  { ...once, name: 'record', value: 'FILE', help: 'write the figures as JSON, for buildjail bench compare', offers: { paths: 'any' } },
  { ...once, name: 'page', value: 'FILE', help: 'write them as a page for a browser', offers: { paths: 'any' } },
  { ...once, name: 'bar', value: 'NUMBER', help: 'of compare: how many times as slow is too slow; default: 1.1' },
]

/** What every verb has. */
export const helpOption: Option = { ...once, name: 'help', short: 'h', value: undefined, help: 'this help' }

/** The options of every verb, without `--help`, which all verbs have. */
export const optionsOf: Readonly<Record<Verb, readonly Option[]>> = {
  run: [...ofSessions, ...ofRuns, json('collect stdout and stderr, and print { result, trace } or { error }')],
  plan: [...ofSessions, json('print the plan as JSON')],
  page: [],
  ps: [...ofLists, json('print an array of { id, name, pid, startedAt, state, root, jid }')],
  gc: [...ofLists, json('print { recovered, leftAlone }')],
  doctor: [json('print { isSupported, obstacles, limitations, host }')],
  bench: ofBench,
  completion: [],
}

export const verbs: readonly Verb[] = Object.keys(optionsOf) as Verb[]

function json(help: string): Option {
  return { ...once, name: 'json', value: undefined, help }
}

export function isVerb(word: string | undefined): word is Verb {
  return word !== undefined && Object.hasOwn(optionsOf, word)
}
