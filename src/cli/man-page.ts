import { chapters, generalOptions, intention, spelling, topics } from './manual.ts'
import { helpOption, optionsOf, verbs, type Option } from './options.ts'

/** In the language of man(7). */
export function manPage(version: string): string {
  const same = optionsOf.run.filter((option) => optionsOf.plan.some((one) => one.name === option.name && one.help === option.help))
  const own = (options: readonly Option[]): readonly Option[] => options.filter((option) => !same.includes(option) && !same.some((one) => one.name === option.name && one.help === option.help))
  return [
    `.TH BUILDJAIL 1 "" ${quoted(`buildjail ${version}`)} "General Commands Manual"`,
    '.SH NAME',
    `buildjail \\- run builds that see what they declared and nothing else`,
    '.SH SYNOPSIS',
    ...verbs.flatMap((verb, index) => [...(index === 0 ? [] : ['.br']), `.B buildjail ${verb}`, text(chapters[verb].usage.slice(verb.length + 1))]),
    '.SH DESCRIPTION',
    text(intention),
    ...verbs.flatMap((verb) => ['.SS ' + quoted(`buildjail ${verb}`), text(chapters[verb].about), '.PP', text(chapters[verb].exitStatus), ...listOf(own(optionsOf[verb]))]),
    '.SH OPTIONS',
    text('Of run and plan:'),
    ...listOf(same),
    '.PP',
    text('Of all:'),
    ...listOf([helpOption, ...generalOptions.slice(1)]),
    ...Object.entries(topics).flatMap(([name, { paragraphs }]) => [`.SH ${quoted(name.replaceAll('-', ' ').toUpperCase())}`, ...paragraphs.flatMap((one, index) => [...(index === 0 ? [] : ['.PP']), text(one)])]),
    '',
  ].join('\n')
}

function listOf(options: readonly Pick<Option, 'name' | 'short' | 'value' | 'help'>[]): string[] {
  return options.flatMap((option) => ['.TP', `.B ${escaped(spelling(option))}`, text(`${option.help}.`)])
}

function text(words: string): string {
  // A line that begins with one of these would be a request.
  return escaped(words).replace(/^[.']/, String.raw`\&$&`)
}

function escaped(words: string): string {
  return words.replaceAll('\\', String.raw`\e`).replaceAll('-', String.raw`\-`).replaceAll('~', String.raw`\(ti`).replaceAll('^', String.raw`\(ha`).replaceAll("'", String.raw`\(aq`).replaceAll('`', String.raw`\(ga`)
}

function quoted(words: string): string {
  return `"${escaped(words).replaceAll('"', String.raw`\(dq`)}"`
}
