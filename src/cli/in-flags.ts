import { commandLine } from '../command/command.ts'
import { isBuildjailError } from '../errors.ts'
import { askedBy, specText } from '../spec/asked.ts'
import { fieldNames, fields, type Spec } from '../spec/fields.ts'
import { inOneLine } from '../spec/readable.ts'

const named = new RegExp(String.raw`^(${fieldNames.toSorted((a, b) => b.length - a.length).join('|')})(?=[.[]|$)(.*)$`, 's')

/** Of two that do not fit together, the one that an error is not about: in parentheses, or as "the target of inputs.src too". */
const otherEntry = /(?<=\()\w+[.[][^()]*(?=\))|(?<= of )\w+[.[].*(?= too$)/g

/**
 * The error, whose message speaks of the options that were given in place of the fields of a spec that they are. Its `entry` stays.
 * @param isGiven whether an entry of the spec comes from the command line
 */
export function inFlags(error: unknown, isGiven: (entry: string) => boolean = () => true): unknown {
  if (!isBuildjailError(error)) return error
  const entry = inOneLine(error.entry ?? '')
  const asked = askedBy(error)
  const [text, flags] = asked === undefined ? [] : [inOneLine(specText(asked)), flagsText(asked)]
  const inWords = (words: string): string => (text === undefined || flags === undefined ? words : words.replaceAll(text, () => flags))
  const [subject, rest] = entry !== '' && isGiven(error.entry ?? '') && error.message.startsWith(`${entry}: `) ? [flagOf(entry), error.message.slice(entry.length)] : ['', error.message]
  const message = subject + inWords(rest).replaceAll(otherEntry, (other) => (entry !== '' && isGiven(other) ? flagOf(other) : other))
  Object.defineProperty(error, 'message', { value: message })
  return error
}

/** An entry of a spec as the command line has it: `inputs.src` is `--input src`. */
function flagOf(entry: string): string {
  const [, name, rest = ''] = named.exec(entry) ?? []
  if (name === undefined) return entry
  const { flag } = fields[name as keyof Spec]
  return `--${flag.name}${flag.isRepeatable && rest.startsWith('.') ? ` ${rest.slice(1)}` : ''}`
}

function flagsText(spec: Spec): string {
  const words = Object.entries(spec).flatMap(([name, value]: [string, unknown]) => {
    const { flag } = fields[name as keyof Spec]
    const values = Array.isArray(value) ? value.map(String) : [String(value)]
    return (flag.isRepeatable ? values : [values.join(',')]).flatMap((one) => [`--${flag.name}`, one])
  })
  return commandLine(words)
}
