import { chapters, generalOptions, intention, spelling, topics } from './manual.ts'
import { helpOption, type Option, optionsOf, verbs } from './options.ts'

/** buildjail(1), in man(7) macros. */
export function manPage(version: string): string {
  const same = optionsOf.run.filter((option) => optionsOf.plan.some((one) => one.name === option.name && one.help === option.help))
  const own = (options: readonly Option[]): readonly Option[] => options.filter((option) => !same.includes(option) && !same.some((one) => one.name === option.name && one.help === option.help))
  return [
    `.TH BUILDJAIL 1 "" ${quoted(`buildjail ${version}`)} "General Commands Manual"`,
    '.SH NAME',
    `buildjail \\- run builds that see what they declared and nothing else`,
    '.SH SYNOPSIS',
    ...verbs.flatMap((verb, index) => [...(index === 0 ? [] : ['.br']), `.B buildjail ${verb}`, roff(chapters[verb].usage.slice(verb.length + 1))]),
    '.SH DESCRIPTION',
    roff(intention),
    ...verbs.flatMap((verb) => ['.SS ' + quoted(`buildjail ${verb}`), roff(chapters[verb].about), '.PP', roff(chapters[verb].exitStatus), ...listOf(own(optionsOf[verb]))]),
    '.SH OPTIONS',
    roff('Of run and plan:'),
    ...listOf(same),
    '.PP',
    roff('Of all:'),
    ...listOf([helpOption, ...generalOptions.slice(1)]),
    ...Object.entries(topics).flatMap(([name, { paragraphs }]) => [`.SH ${quoted(name.replaceAll('-', ' ').toUpperCase())}`, ...paragraphs.flatMap((one, index) => [...(index === 0 ? [] : ['.PP']), roff(one)])]),
    '',
  ].join('\n')
}

function listOf(options: readonly Pick<Option, 'name' | 'short' | 'value' | 'help'>[]): string[] {
  return options.flatMap((option) => ['.TP', `.B ${escaped(spelling(option))}`, roff(`${option.help}.`)])
}

function roff(words: string): string {
  // A line that begins with one of these would be read as a request.
  return escaped(words).replace(/^[.']/, String.raw`\&$&`)
}

function escaped(words: string): string {
  return words.replaceAll('\\', String.raw`\e`).replaceAll('-', String.raw`\-`).replaceAll('~', String.raw`\(ti`).replaceAll('^', String.raw`\(ha`).replaceAll("'", String.raw`\(aq`).replaceAll('`', String.raw`\(ga`)
}

function quoted(words: string): string {
  return `"${escaped(words).replaceAll('"', String.raw`\(dq`)}"`
}

/** docs/reference/command-line.md. */
export function referencePage(): string {
  return `# Command line

<!-- Made from the tables in src/spec/fields and src/cli by npm run docs:command-line. -->

${intention} \`buildjail help TOPIC\` prints the same in a terminal, for a command, an option or a topic; so does the manual page \`buildjail(1)\`.

${verbs.map((verb) => section(verb)).join('\n')}
${Object.entries(topics).map(([name, { summary, paragraphs }]) => `## ${titled(name)}\n\n*${summary}*\n\n${paragraphs.map(inMarkdown).join('\n\n')}\n`).join('\n')}`
}

function section(verb: (typeof verbs)[number]): string {
  const { usage, about, exitStatus } = chapters[verb]
  const options = optionsOf[verb].length === 0 ? '' : verb === 'plan' ? 'It takes the options of `run`; `--json` prints the plan.\n\n' : `| option | |\n|---|---|\n${optionsOf[verb].map(row).join('')}\n`
  return `## buildjail ${verb}\n\n\`buildjail ${usage}\`\n\n${inMarkdown(about)}\n\n${options}${inMarkdown(exitStatus)}\n`
}

function row(option: Option): string {
  return `| \`${spelling(option).replaceAll('|', String.raw`\|`)}\` | ${inMarkdown(option.help)} |\n`
}

function titled(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1).replaceAll('-', ' ')}`
}

/** Sets names of variables, options, places and files as code. */
function inMarkdown(text: string): string {
  return text
    .replaceAll('|', String.raw`\|`)
    .replaceAll('<', '&lt;')
    .replaceAll(/(?<![\w`/])(--?[a-zA-Z][\w-]*|\$schema|"[^"]*"|eval "[^;]*"|~?\/[\w/~.-]*\w|\b[A-Z]{2,}_[A-Z_]+\b)/g, '`$1`')
}
