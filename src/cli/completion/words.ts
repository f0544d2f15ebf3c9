import { helpTopics } from '../help.ts'
import { helpOption, optionsOf, verbs, type Option, type Verb } from '../options.ts'

/** The verbs that a command follows. */
export const verbsOfCommands: readonly Verb[] = ['run', 'plan']

/** The verbs that a file follows. */
export const verbsOfFiles: readonly Verb[] = ['page']

/** What follows other verbs. */
export const argumentsOf: Readonly<Record<string, readonly string[]>> = { completion: ['bash', 'zsh', 'fish'], help: helpTopics }

export const firstWords: readonly string[] = [...verbs, 'help', '--help', '--version']

export function optionsWithHelp(verb: Verb): readonly Option[] {
  return [...optionsOf[verb], helpOption]
}

/** Each option once, whichever verbs have it. */
export const allOptions: readonly Option[] = [...new Map(verbs.flatMap((verb) => optionsWithHelp(verb).map((option) => [option.name, option] as const))).values()]

export function spellings({ name, short }: Option): readonly string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`]
}

/** In single quotes, for any shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
