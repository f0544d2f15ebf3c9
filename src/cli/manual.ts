import { readFileSync } from 'node:fs'

import { limitNames, limitTable } from '../spec/fields/limits.ts'
import { optionsOf, verbs, type Option, type Verb } from './options.ts'

/** The texts about a verb, besides its options. Help, manual page and reference are made from them. */
export interface Chapter {
  /** After `buildjail`. */
  readonly usage: string
  /** In a list of all verbs. */
  readonly summary: string
  readonly about: string
  readonly exitStatus: string
}

const ownLimits = limitNames.filter((name) => limitTable[name].isOurs === true).join(', ')

export const chapters: Readonly<Record<Verb, Chapter>> = {
  run: {
    usage: 'run [options] [--] command...',
    summary: 'run a command in a session of its own',
    about:
      'Opens a session, runs a command in it and closes it. The command begins at the first word that is not an option, or after --. At a terminal it gets a terminal of its own, with Ctrl-C, Ctrl-Z and job control.',
    exitStatus:
      `The exit status is the command's, or 128 + n if signal n ended it. 124: the command timed out, or reached a limit that buildjail itself holds (${ownLimits}). 125: buildjail itself failed; the command did not run, or it succeeded and something failed afterwards. 126: the program cannot be executed. 127: there is no such program. With --verify it is 1 where builds differ.`,
  },
  learn: {
    usage: 'learn [options] [--] command...',
    summary: 'run a command once with the whole project, and write a spec file of what it used',
    about:
      'Runs a command as run --here does, with a trace, and writes a spec file with what it looked up: the project file by file, or folder by folder by the rules that the file states, and the parts of the toolchain. The file has a comment for each thing that was guessed. With it, buildjail run -f buildjail.json runs the same command. Linux only.',
    exitStatus:
      "The exit status is the command's, as of run. If it is not 0, no file is written. 125: the file is there already or cannot be written, or the trace is incomplete.",
  },
  plan: {
    usage: 'plan [options] [[--] command...]',
    summary: 'show what run would build; needs no privilege and changes nothing',
    about: 'Shows what run would build with the same options. Needs no privilege and changes nothing.',
    exitStatus: 'The exit status is 0, or 125 if the plan is refused.',
  },
  page: {
    usage: 'page RECORD > FILE',
    summary: 'make a page for a browser from the record of a run',
    about: 'Makes a page for a browser from a record that run --record wrote: the same page that run --page writes. Needs no privilege, and the record may come from another machine.',
    exitStatus: 'The exit status is 0, or 125 if RECORD is not a record.',
  },
  trace: {
    usage: 'trace diff [--json] BEFORE AFTER',
    summary: 'say what one run looked up and another did not',
    about: 'Compares two records that run --trace --record wrote, entry by entry of their specs: what only BEFORE read, executed, listed, looked at, missed, was refused or wrote (-), and what only AFTER did (+). Paths are those in the session. Those in /tmp, which begins empty, are left out.',
    exitStatus: 'The exit status is 0 if both looked up the same; 1 if they differ; 125 if one is no record with a complete trace.',
  },
  ps: {
    usage: 'ps [options]',
    summary: 'list the sessions of this host',
    about: 'Lists the sessions of this user on this host. A session is live, or orphaned if its process is dead. On FreeBSD it also lists jail and root. Blank sessions, which programs of this user have made ahead on Linux, are counted in a last line.',
    exitStatus: 'The exit status is 0.',
  },
  gc: {
    usage: 'gc [options]',
    summary: 'take away what sessions of dead processes left behind',
    about: 'Takes away what sessions of dead processes left behind, and leaves live sessions alone. A process does the same before it opens its first session.',
    exitStatus: 'The exit status is 0, or 1 if something was left alone because it is damaged, was not made by buildjail, or could not be taken away.',
  },
  doctor: {
    usage: 'doctor [options]',
    summary: 'say whether a session can be opened on this host, and what to do if not',
    about: 'Says whether this user can open a session on this host, and names one remedy for each thing that is missing. Also counts the blank sessions that programs of this user have made ahead on Linux. Changes nothing.',
    exitStatus: 'The exit status is 0, or 1 if no session can be opened.',
  },
  bench: {
    usage: 'bench [options]',
    summary: 'measure what a session costs on this machine',
    about:
      'Measures what a session costs on this machine, call by call and step by step, in under a minute. It compares with child_process.spawn, with bubblewrap if that is installed, and with a C program that makes the same system calls if there is a cc. buildjail bench compare [--bar NUMBER] BEFORE AFTER says what became slower or faster between two records.',
    exitStatus: 'The exit status is 0; 1 if a case failed, or something became slower by more than --bar and by more than chance; 125 if it could not measure or compare.',
  },
  completion: {
    usage: 'completion bash|zsh|fish',
    summary: 'print a completion script for a shell',
    about:
      'Prints a script that makes a shell complete the command line. In ~/.bashrc: eval "$(buildjail completion bash)"; in ~/.zshrc, after compinit: eval "$(buildjail completion zsh)"; in ~/.config/fish/config.fish: buildjail completion fish | source. The shell must find buildjail on its PATH. The package has the same scripts in dist/completion.',
    exitStatus: 'The exit status is 0.',
  },
}

/** Texts about more than one verb, by their names for `buildjail help`. */
export const topics: Readonly<Record<string, { readonly summary: string; readonly paragraphs: readonly string[] }>> = {
  'spec-file': {
    summary: 'the format of a file for --file',
    paragraphs: [
      'A spec file holds a spec in JSON; comments and trailing commas are allowed. It has the fields of a spec in JavaScript, and three more: command, a list of words, which is run if the command line has no command; timeout, such as "90s", or a number of milliseconds; and $schema, for editors: with "./node_modules/buildjail/dist/schema.json" they complete and check the file.',
      'Relative paths in the file are relative to its folder, and those of options to the working directory. With - the file is read from stdin, and its paths are relative to the working directory.',
      "Options add to the file or replace its entries. Names of inputs, outputs, stores, tmpfs, limits, env and the files of etc are added, or replace the same name; path, devices, allow and the hosts of --allow-host are added to; any other option replaces the file's field. A command on the command line replaces the file's.",
      'An error names file, line and column; with --json, in members of these names.',
    ],
  },
  signals: {
    summary: 'Ctrl-C, Ctrl-Z and signals',
    paragraphs: [
      'SIGINT goes to the command, which may handle it; then the exit status is its own. A second SIGINT ends the command and all that it started at once: 130. SIGTERM and SIGHUP stop the command, by SIGTERM and after five seconds by SIGKILL, and close the session: 143, 129; a second one ends it at once. SIGTSTP stops the command together with buildjail.',
      'A command at a terminal has a terminal of its own. It gets Ctrl-C, and buildjail does not. A shell, and a program that reads keys one by one, gets Ctrl-Z as well; any other command is stopped by it together with buildjail. buildjail stops such a command by SIGHUP in place of SIGTERM.',
      'Whatever ends buildjail, even SIGKILL, ends the session.',
    ],
  },
  environment: {
    summary: 'variables that buildjail reads',
    paragraphs: [
      'Messages are coloured at a terminal, unless TERM is dumb. NO_COLOR, if not empty, turns colours off. FORCE_COLOR overrides both: 0 and false turn colours off, anything else turns them on everywhere.',
      'A command at a terminal gets TERM, unless the spec mentions it. It gets no other variable: --env NAME passes one on.',
      "XDG_RUNTIME_DIR is where an ordinary user's sessions are kept on Linux; see --state-directory.",
    ],
  },
}

/** Options without a verb. */
export const generalOptions: readonly Pick<Option, 'name' | 'short' | 'value' | 'help'>[] = [
  { name: 'help', short: 'h', value: undefined, help: 'this help; after a command, its options' },
  { name: 'version', short: 'V', value: undefined, help: 'the version of buildjail' },
]

export const intention = 'Runs a build that sees what it declared and nothing else: on FreeBSD in a thin jail, on Linux in namespaces.'

export function packageVersion(): string {
  // Two levels up from src/cli/ as from dist/cli/.
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

/** How an option is written: `-f, --file FILE`. */
export function spelling({ name, short, value, isValueOptional }: Pick<Option, 'name' | 'short' | 'value' | 'isValueOptional'>): string {
  const behind = isValueOptional === true ? `[=${value}]` : ` ${value}`
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : behind}`
}

/** The verbs that have an option. */
export function verbsWith(name: string): readonly Verb[] {
  return verbs.filter((verb) => optionsOf[verb].some((option) => option.name === name))
}
