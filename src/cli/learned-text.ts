import path from 'node:path'

import { commandLine } from '../command/command.ts'
import { mostEntries, type NarrowedInput } from '../learning/narrowed.ts'
import type { LearnedInput, LearnedSpec } from '../learning/learned-spec.ts'
import type { NarrowedTool } from '../learning/narrowed-toolchain.ts'
import type { WholeReason } from '../learning/used-tree.ts'
import type { Changes } from '../session/changes.ts'
import type { InputSource } from '../spec/spec.ts'
import { inOneLine } from '../spec/messages.ts'
import { jsonText } from './report.ts'

/** Facts besides the spec: the run that it comes from. */
export interface Lesson {
  readonly command: readonly string[]
  /** Where the spec file is. */
  readonly file: string
  readonly version: string
  /** The command's changes in the project, which were thrown away. */
  readonly changes: readonly Changes[]
  /** Milliseconds. */
  readonly timeout: number | undefined
}

const reasons: Readonly<Record<WholeReason, string>> = {
  looked: 'the command only looked whether it is there',
  many: `more than ${mostEntries} entries of it would be listed`,
  hidden: 'it holds something that is excluded, which is empty in the session',
  unnamed: 'the command found a name in it that is not UTF-8, which a spec cannot have',
  special: 'the command found a fifo or the like in it, and such a file is shown with its folder only',
  link: 'the command followed a symbolic link in it, and a link is shown with its folder only',
  listed: 'the command read its list of names',
  shut: 'files in it are shut to other users, and an overlay shows them',
  written: 'the command wrote in it; what it writes is thrown away',
}

/** The text of a spec file: JSON, with a comment for each guess. */
export function learnedText({ toolchain, inputs, dropped, rest }: LearnedSpec, { command, file, version, changes, timeout }: Lesson): string {
  const folder = path.dirname(path.resolve(file))
  const { outputs = {}, env, cwd, network, path: before, ...others } = rest
  const members: (readonly string[])[] = [
    [member('command', command)],
    ...(timeout === undefined ? [] : [[member('timeout', timeout)]]),
    toolchainLines(toolchain, dropped),
    [
      ...comments([
        'Everything of the project that the command found. A folder is shown as a whole if the command read its list of names, wrote in it or followed a',
        `link in it, or if more than ${mostEntries} entries of it would be listed; of other folders, the files that were found are shown. Folders that the command`,
        'did not look into are excluded: they are there, and empty. So are files that may hold secrets, and what it did not see.',
      ]),
      map('inputs', inputs.map((input) => inputLines(input, folder))),
    ],
    [...comments(outputComments(changes, folder)), map('outputs', Object.entries(outputs).map(([target, source]) => [`${jsonText(target)}: ${jsonText(relative(folder, source))}`]))],
    ...(cwd === undefined ? [] : [[member('cwd', cwd)]]),
    ...(before === undefined ? [] : [[member('path', before)]]),
    ...(env === undefined ? [] : [[...comments(["guess: a trace does not tell which variables were read, so these are all that the command had. LC_ALL is what the host's toolchain as a whole sets."]), member('env', env)]]),
    ...(network === undefined ? [] : [[...comments(['guess: a trace does not tell whether the network was used; "none" is enough for most builds.']), member('network', network)]]),
    ...Object.entries(others).map(([name, value]) => [member(name, value)]),
  ]
  const head = comments([
    `Written by buildjail learn ${version}, from what one run looked up: ${commandLine(command)}`,
    `Run it: ${commandLine(['buildjail', 'run', '-f', path.basename(file)])}`,
    'Another run may look up other files, for example after a change of the sources: it fails then, and this is to be learned again or edited.',
    'Paths of the host are relative to this file. Inside, the project is at its own path, so the file is of this machine.',
  ], '')
  return `${[...head, '{', ...members.flatMap((lines) => lines.map((line, index) => `  ${line}${index === lines.length - 1 ? ',' : ''}`)), '}'].join('\n')}\n`
}

function toolchainLines(toolchain: LearnedSpec['toolchain'], dropped: readonly string[]): readonly string[] {
  const unused = dropped.length === 0 ? [] : comments([`The command had these too and found nothing in them: ${listed(dropped)}.`])
  if (toolchain === 'none' || toolchain.length === 0) return [...unused, member('toolchain', toolchain)]
  const rules = comments([
    "Everything of the host's toolchain that the command found, by the rules of the inputs below, but for two: a folder that was only looked at is shown with",
    `all that is in it, and a folder in the root, such as /usr, is not shown because more than ${mostEntries} entries of it would be listed. "host" is all of it.`,
  ])
  return [...rules, ...unused, list('toolchain', toolchain.map(toolLines))]
}

function toolLines({ path: one, reason, found }: NarrowedTool): readonly string[] {
  const about = reason === undefined ? [] : [`guess: as a whole, because ${reasons[reason]}.${found === 0 ? '' : ` ${pathsOf(found)} found.`}`]
  return [...comments(about), jsonText(one)]
}

function outputComments(changes: readonly Changes[], folder: string): readonly string[] {
  const written = changes.flatMap(({ source, folders }) => folders.map(({ name, count }) => `${relative(folder, path.join(source, name))} (${count})`))
  if (written.length === 0) return []
  return [`guess: nothing else is kept. The command also wrote in ${listed(written)}; learn --out FOLDER keeps a folder.`]
}

function inputLines({ target, source, narrowed }: LearnedInput, folder: string): readonly string[] {
  const about = narrowed === undefined ? ['guess: all of it. It is not of the project, and the command found something in it.'] : aboutOf(narrowed)
  return [...comments(about), `${jsonText(target)}: ${jsonText(rebased(source, folder))}`]
}

function aboutOf({ reason, isEmpty = false, found, unused, hasMoreUnused = false }: NarrowedInput): readonly string[] {
  if (reason === undefined) return []
  const left = unused.length === 0 ? '' : ` ${unused.length} ${unused.length === 1 ? 'folder in it was' : 'folders in it were'} not looked into${hasMoreUnused ? ', and others too, which are shown because there are too many' : ''}.`
  if (isEmpty) return [`guess: the folder and nothing in it, because ${reasons[reason]}.`]
  return [`guess: as a whole, because ${reasons[reason]}. ${pathsOf(found)} found.${left}`]
}

function pathsOf(found: number): string {
  return `${found} ${found === 1 ? 'path of it was' : 'paths of it were'}`
}

function rebased(source: InputSource, folder: string): InputSource {
  return typeof source === 'string' ? relative(folder, source) : { ...source, path: relative(folder, source.path) }
}

function relative(folder: string, source: string): string {
  return path.relative(folder, source) || '.'
}

function map(name: string, entries: readonly (readonly string[])[]): string {
  if (entries.length === 0) return member(name, {})
  return `${jsonText(name)}: {\n${indented(entries)}\n  }`
}

function list(name: string, entries: readonly (readonly string[])[]): string {
  return `${jsonText(name)}: [\n${indented(entries)}\n  ]`
}

/** The comments before an entry are about its last line. */
function indented(entries: readonly (readonly string[])[]): string {
  return entries.map((lines) => lines.map((line, index) => `    ${line}${index === lines.length - 1 ? ',' : ''}`).join('\n')).join('\n')
}

function member(name: string, value: unknown): string {
  return `${jsonText(name)}: ${jsonText(value)}`
}

/** A command chooses names in comments, and a line that it broke could look like an entry. */
function comments(lines: readonly string[], before = ''): string[] {
  // defence: learned-comment-one-line
  return lines.map((line) => `${before}// ${inOneLine(line)}`)
}

const mostListed = 12

function listed(names: readonly string[]): string {
  return `${names.slice(0, mostListed).join(', ')}${names.length > mostListed ? `, and ${names.length - mostListed} more` : ''}`
}
