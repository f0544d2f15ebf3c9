import { chapters, intention, spelling, topics } from './manual.ts'
import { optionsOf, verbs, type Option } from './options.ts'

/** docs/reference/command-line.md. */
export function referencePage(): string {
  return `# Command line

<!-- Made from the tables in src/spec/fields and src/cli by npm run docs:command-line. -->

${intention} \`buildjail help TOPIC\` tells the same in a terminal, of a command, an option or a topic, and so does the manual page \`buildjail(1)\`.

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

/** Names of variables, options, places and files are set as code. */
function inMarkdown(text: string): string {
  return text
    .replaceAll('|', String.raw`\|`)
    .replaceAll('<', '&lt;')
    .replaceAll(/(?<![\w`/])(--?[a-zA-Z][\w-]*|\$schema|"[^"]*"|eval "[^;]*"|~?\/[\w/~.-]*\w|\b[A-Z]{2,}_[A-Z_]+\b)/g, '`$1`')
}
