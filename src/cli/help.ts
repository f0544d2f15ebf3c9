import { fieldNames, fields } from '../spec/fields.ts'
import { limitNames, toldOfLimit } from '../spec/fields/limits.ts'
import { chapters, generalOptions, intention, spelling, topics, verbsWith } from './manual.ts'
import { isVerb, type Option, optionsOf, verbs } from './options.ts'
import { plain, type Style } from './terminal.ts'

/** The help of a verb, a topic, an option, a field of a spec or a limit. Undefined if there is none of that name. */
export function helpOf(topic: string, style: Style = plain): string | undefined {
  if (topic === 'buildjail') return overview(style)
  if (isVerb(topic)) return verbHelp(topic, style)
  if (Object.hasOwn(topics, topic)) return `${topics[topic]?.paragraphs.map(paragraph).join('\n\n')}\n`
  return optionHelp(topic.replace(/^--/, ''), style) ?? fieldTopic(topic, style) ?? limitHelp(topic, style)
}

/** The verbs and topics that have help. */
export const helpTopics: readonly string[] = [...verbs, ...Object.keys(topics)]

function overview({ strong }: Style): string {
  const usages = Object.values(chapters).map(({ usage }, index) => `${index === 0 ? strong('Usage:') : '      '} buildjail ${usage}`)
  const commands = verbs.map((verb) => entry(verb, chapters[verb].summary)).join('')
  const more = Object.entries(topics).map(([name, { summary }]) => entry(`help ${name}`, summary)).join('')
  const help = entry('help TOPIC', 'of a command, an option, or one of these:')
  return `${usages.join('\n')}\n\n${paragraph(intention)}\n\n${strong('Commands:')}\n${commands}\n${strong('Help:')}\n${help}${more}\n${linesOf(generalOptions)}`
}

function verbHelp(verb: keyof typeof chapters, { strong }: Style): string {
  const { usage, about, exitStatus } = chapters[verb]
  const options = optionsOf[verb].length === 0 ? '' : `${strong('Options:')}\n${linesOf(optionsOf[verb])}\n`
  return `${strong('Usage:')} buildjail ${usage}\n\n${paragraph(about)}\n\n${options}${paragraph(exitStatus)}\n`
}

function optionHelp(name: string, { strong }: Style): string | undefined {
  const [verb] = verbsWith(name)
  const option = verb === undefined ? undefined : optionsOf[verb].find((one) => one.name === name)
  if (option === undefined) return undefined
  const heading = `${strong(spelling(option))}\n\n${paragraph(`${option.help[0]?.toUpperCase()}${option.help.slice(1)}.`)}\n`
  const list = name === fields.limits.flag.name ? `\n${limitsHelp()}` : ''
  return `${heading}${list}${fieldHelp(name)}\nOf: ${verbsWith(name).join(', ')}\n`
}

function limitsHelp(): string {
  const all = [...limitNames, 'policy'].flatMap((name) => {
    const told = toldOfLimit(name)
    return told === undefined ? [] : [entry(`${name}=${told.value}`, told.about)]
  })
  return `${all.join('')}\n${paragraph(aboutValues)}\n`
}

const aboutValues =
  'A SIZE has a unit: 512B, 64K, 512M, 2G or 1T. So has a DURATION: 500ms, 10s, 1m30s or 2h. A NUMBER has none. Without a default, a limit that is not given does not hold; of openFiles, fileSize and stackSize a process then has what buildjail itself has.'

/** A field's help is that of its option, whose name may differ: `inputs` is `--input`. */
function fieldTopic(name: string, style: Style): string | undefined {
  const field = fieldNames.find((one) => one === name)
  return field === undefined ? undefined : optionHelp(fields[field].flag.name, style)
}

function limitHelp(name: string, { strong }: Style): string | undefined {
  const told = toldOfLimit(name)
  if (told === undefined) return undefined
  const { flag } = fields.limits
  return `${strong(`--${flag.name} ${name}=${told.value}`)}\n\n${paragraph(told.about)}\n\n${paragraph(`In a spec: limits.${name}. buildjail help ${flag.name} lists all limits.`)}\n\nOf: ${verbsWith(flag.name).join(', ')}\n`
}

/** The schema's description of an option's field. */
function fieldHelp(name: string): string {
  const field = fieldNames.find((one) => fields[one].flag.name === name || fields[one].flag.shortcuts?.some((shortcut) => shortcut.name === name) === true)
  if (field === undefined) return ''
  const { description, default: usual, properties } = fields[field].schema as { readonly description: string; readonly default?: unknown; readonly properties?: object }
  const members = properties === undefined || name === fields.limits.flag.name ? '' : ` It has ${Object.keys(properties).join(', ')}.`
  const byDefault = usual === undefined || (Array.isArray(usual) && usual.length === 0) ? '' : ` Default: ${String(usual)}.`
  return `\n${paragraph(`In a spec: ${field}. ${description}${members}${byDefault}`)}\n`
}

function linesOf(options: readonly Pick<Option, 'name' | 'short' | 'value' | 'isValueOptional' | 'help'>[]): string {
  return options.map((option) => entry(spelling(option), option.help)).join('')
}

/** The width of help texts. */
const columns = 100
const indent = 28

function paragraph(text: string): string {
  return wrapped(text, columns).join('\n')
}

/** A name and, in a second column, its description; long names take a line of their own. */
function entry(words: string, about: string): string {
  const lines = wrapped(about, columns - indent).join(`\n${' '.repeat(indent)}`)
  return words.length + 3 > indent ? `  ${words}\n${' '.repeat(indent)}${lines}\n` : `${`  ${words}`.padEnd(indent)}${lines}\n`
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
