import type { Offers } from '../spec/field.ts'
import { fieldNames, fields } from '../spec/fields.ts'
import { variationNames } from '../verify/variation-names.ts'

/** The commands of `buildjail`, as opposed to the command that runs in a session. */
export type Verb = 'run' | 'learn' | 'plan' | 'page' | 'trace' | 'ps' | 'gc' | 'doctor' | 'bench' | 'completion'

/** An option of a verb: how it is read, its line in the help, and its completions in a shell. */
export interface Option {
  /** Without its hyphens. */
  readonly name: string
  /** A one-letter form. */
  readonly short?: string
  /** The name of its value in the help; undefined for an option without a value. */
  readonly value: string | undefined
  /** The value may be missing, so it is given behind an equals sign only. */
  readonly isValueOptional?: true
  readonly help: string
  readonly isRepeatable: boolean
  readonly offers: Offers
}

const once = { isRepeatable: false, offers: {} } as const

const ofFields: readonly Option[] = fieldNames.flatMap((name) => {
  const { flag } = fields[name]
  return [flag, ...(flag.shortcuts ?? []).map((shortcut) => ({ ...once, name: shortcut.name, value: shortcut.value, help: shortcut.help, isRepeatable: shortcut.isRepeatable === true, offers: shortcut.offers ?? {} }))]
})
const ofHere: readonly Option[] = [
  { ...once, name: 'here', value: undefined, help: 'show the project around the current folder at its own path, writable and thrown away, with the tools that it needs and a loopback; other options add to that' },
  { ...once, name: 'project', value: 'DIR', help: 'the same for the project in DIR', offers: { paths: 'folders' } },
  { ...once, name: 'out', value: 'DIR,...', help: 'with --here: keep what is written in these folders of the project; repeatable', isRepeatable: true, offers: { paths: 'folders' } },
  { ...once, name: 'apply', value: undefined, help: 'with --here: ask at the end whether to do in the project what the command did there' },
  { ...once, name: 'yes', value: undefined, help: 'with --apply: do it without asking, if the command succeeded' },
  { ...once, name: 'env-files', value: undefined, help: 'with --here: show .env* and .npmrc of the project, which are excluded otherwise' },
]
const ofSessions: readonly Option[] = [
  ...ofHere,
  { ...once, name: 'file', short: 'f', value: 'FILE', help: 'read the spec from FILE, which is JSON with comments; options add to it or replace its entries', offers: { paths: 'any' } },
  ...ofFields,
  { ...once, name: 'timeout', value: 'DURATION', help: 'stop the command after 500ms, 10s, 1m30s or 2h; 0s: never' },
  { ...once, name: 'page', value: 'FILE', help: 'write a page for a browser to FILE: how the run went, what it used, and what its session was', offers: { paths: 'any' } },
  { ...once, name: 'record', value: 'FILE', help: 'write the same to FILE as JSON, from which buildjail page makes the page', offers: { paths: 'any' } },
  { ...once, name: 'env-values', value: undefined, help: 'include the values of all variables in both, secrets too' },
]
const ofLearning: readonly Option[] = [
  ...ofHere.filter(({ name }) => name === 'project' || name === 'out' || name === 'env-files').map((option) => ({ ...option, help: ofLearningHelp(option) })),
  { ...once, name: 'spec', value: 'FILE', help: 'the spec file to write, which must be new; default: buildjail.json', offers: { paths: 'any' } },
  ...ofFields.filter(({ name }) => name !== 'trace'),
  { ...once, name: 'timeout', value: 'DURATION', help: 'stop the command after 500ms, 10s, 1m30s or 2h; 0s: never; the spec file has it too' },
]
const ofRuns: readonly Option[] = [
  { ...once, name: 'verify', value: 'N', isValueOptional: true, help: 'run the command N times (2) under other circumstances, compare byte by byte what each leaves in the outputs, and exit with 1 where they differ' },
  { ...once, name: 'only', value: 'NAME,...', help: `with --verify: vary only these, or none: ${variationNames.join(', ')}; the last is varied only if it is named`, offers: { words: variationNames } },
  { ...once, name: 'pty', value: undefined, help: 'give the command a terminal of its own even if buildjail has none; stdin is typed into it' },
  { ...once, name: 'events', value: undefined, help: 'print each event of the session as one line of JSON, stdout and stderr among them, and a last line with { result } or { error }' },
  { ...once, name: 'progress', value: undefined, help: "at a terminal, show one progress line in place of the command's output; print the output if the command fails" },
]
const ofLists: readonly Option[] = [
  { ...once, name: 'state-directory', value: 'DIR', help: 'the folder of the sessions; default: where run keeps them', offers: { paths: 'folders' } },
]

const ofBench: readonly Option[] = [
  { ...once, name: 'full', value: undefined, help: 'measure every case with many samples; takes many minutes on an otherwise idle machine' },
  { ...once, name: 'only', value: 'CASE', help: 'measure this case only; repeatable', isRepeatable: true },
  { ...once, name: 'record', value: 'FILE', help: 'write the figures to FILE as JSON, for buildjail bench compare', offers: { paths: 'any' } },
  { ...once, name: 'page', value: 'FILE', help: 'write them to FILE as a page for a browser', offers: { paths: 'any' } },
  { ...once, name: 'bar', value: 'NUMBER', help: 'for compare: how many times slower is too slow; default: 1.1' },
]

/** An option of every verb. */
export const helpOption: Option = { ...once, name: 'help', short: 'h', value: undefined, help: 'this help' }

/** The options of each verb, except `--help`. */
export const optionsOf: Readonly<Record<Verb, readonly Option[]>> = {
  run: [...ofSessions, ...ofRuns, json('collect stdout and stderr, and print { result, steps } or { error }; with --trace also files and programs')],
  learn: ofLearning,
  plan: [...ofSessions, json('print the plan as JSON')],
  page: [],
  trace: [json('print an array of { entry, path, before, after }')],
  ps: [...ofLists, json('print an array of { id, name, pid, startedAt, state, root, jid }')],
  gc: [...ofLists, json('print { recovered, leftAlone }')],
  doctor: [json('print { isSupported, obstacles, limitations, blankSessions, host }')],
  bench: ofBench,
  completion: [],
}

export const verbs: readonly Verb[] = Object.keys(optionsOf) as Verb[]

function ofLearningHelp({ name, help }: Option): string {
  return name === 'project' ? 'learn for the project in DIR; default: the one around the current folder' : help.replace('with --here: ', '')
}

function json(help: string): Option {
  return { ...once, name: 'json', value: undefined, help }
}

export function isVerb(word: string | undefined): word is Verb {
  return word !== undefined && Object.hasOwn(optionsOf, word)
}
