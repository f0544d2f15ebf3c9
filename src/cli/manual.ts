import { optionsOf, verbs, type Option, type Verb } from './options.ts'

/** What is told of a verb, beside its options. Help, manual page and reference are made of it. */
export interface Chapter {
  /** After `buildjail`. */
  readonly usage: string
  /** In a list of all verbs. */
  readonly summary: string
  readonly about: string
  readonly exitStatus: string
}

export const chapters: Readonly<Record<Verb, Chapter>> = {
  run: {
    usage: 'run [options] [--] command...',
    summary: 'run a command in a session of its own',
    about:
      'Runs a command in a session of its own, which is taken away when the command ends. The command is everything from the first word on that is no option, or everything after --. At a terminal it gets one of its own, with Ctrl-C, Ctrl-Z and job control.',
    exitStatus:
      "The exit status is the command's; it is 128 + n when signal n ended the command, 124 when the command timed out or came to a limit of cpuTime, wallTime or output, 127 when there is no such command, 126 when it cannot be executed, and 125 when something of buildjail's failed: then the command never ran, or it succeeded.",
  },
  plan: {
    usage: 'plan [options] [[--] command...]',
    summary: 'show what run would build; needs no privilege and changes nothing',
    about: 'Shows what run would build with the same options. Needs no privilege and changes nothing.',
    exitStatus: 'The exit status is 0, or 125 when the plan is refused.',
  },
  page: {
    usage: 'page RECORD > FILE',
    summary: 'make a page for a browser of the record of a run',
    about: 'Makes a page for a browser of what run --record wrote: the one that run --page writes. It needs no privilege, and the record may be of another machine.',
    exitStatus: 'The exit status is 0, or 125 when RECORD is none.',
  },
  ps: {
    usage: 'ps [options]',
    summary: 'list the sessions of this host',
    about: 'Lists the sessions of this host and user. A session is live, or orphaned when its process is dead. A jail and a root are listed where the system has them, on FreeBSD.',
    exitStatus: 'The exit status is 0.',
  },
  gc: {
    usage: 'gc [options]',
    summary: 'take away what sessions of dead processes left behind',
    about: 'Takes away what sessions of dead processes left behind, and leaves live sessions alone. A process does the same before it opens its first session.',
    exitStatus: 'The exit status is 0, or 1 when something was left alone: it is damaged, was not made by buildjail, or could not be taken away.',
  },
  doctor: {
    usage: 'doctor [options]',
    summary: 'say whether a session can be opened on this host, and what to do if not',
    about: 'Says whether this user can open a session on this host, and for everything that is missing the one thing to do about it. Changes nothing.',
    exitStatus: 'The exit status is 0, or 1 when no session can be opened.',
  },
  bench: {
    usage: 'bench [options]',
    summary: 'measure what a session costs on this machine',
    about:
      'Measures what a session costs on this machine, call by call and step by step, against child_process.spawn, against bubblewrap where it is installed, and against a C program that makes the same system calls where there is a cc. It takes under a minute. buildjail bench compare [--bar NUMBER] BEFORE AFTER says of two records what has become slower or faster.',
    exitStatus: 'The exit status is 0; 1 when a case failed, or something has become slower by more than --bar and by more than chance; 2 when it could not be measured or compared.',
  },
  completion: {
    usage: 'completion bash|zsh|fish',
    summary: 'print what a shell completes the command line with',
    about:
      'Prints what a shell completes the command line with. In ~/.bashrc: eval "$(buildjail completion bash)"; in ~/.zshrc, after compinit: eval "$(buildjail completion zsh)"; in ~/.config/fish/config.fish: buildjail completion fish | source. The shell has to find buildjail on its PATH. The same is in the package, in dist/completion.',
    exitStatus: 'The exit status is 0.',
  },
}

/** What concerns more than one verb, by the name that `buildjail help` knows it by. */
export const topics: Readonly<Record<string, { readonly summary: string; readonly paragraphs: readonly string[] }>> = {
  'spec-file': {
    summary: 'what a file for --file holds',
    paragraphs: [
      'A spec file holds a spec in JSON, with comments and commas at the end of lists where one likes. It has the fields that a spec has in JavaScript, and besides: command, a list of words, which is run where the command line has no command; timeout, as "90s" or a number of milliseconds; and $schema, for editors: "./node_modules/buildjail/dist/schema.json" has them complete and check the file.',
      'Relative paths of the host are relative to the folder of the file, and those of options to the working directory. With - the file is read from stdin, and its paths are those of the working directory.',
      "What options say is added or in place of the file's: of inputs, outputs, stores, tmpfs, limits, env and the files of etc each name is added, or is in place of the same name; path, devices and allow get more; of anything else the option holds alone. A command of the command line is in place of the file's.",
      'What is wrong is told with file, line and column, and with --json in members of these names.',
    ],
  },
  signals: {
    summary: 'Ctrl-C, Ctrl-Z and signals',
    paragraphs: [
      'SIGINT is for the command, which may do something of its own on it; then the exit status is its own. The second SIGINT ends the command and all that it started at once: 130. SIGTERM and SIGHUP stop the command, by SIGTERM and after five seconds by SIGKILL, and close the session: 143, 129; a second one ends it at once. SIGTSTP stops the command together with buildjail.',
      'A command that is typed into at a terminal has one of its own, and the keys are its own matter: it gets Ctrl-C and Ctrl-Z, and buildjail does not. Such a command is stopped by SIGHUP in place of SIGTERM.',
      'Whatever ends buildjail, SIGKILL as well, ends the session.',
    ],
  },
  environment: {
    summary: 'variables that buildjail looks at',
    paragraphs: [
      'NO_COLOR, where it is not empty, keeps messages without colour; FORCE_COLOR has them coloured also where no terminal is, but for 0 and false, and wins. Otherwise they are coloured at a terminal, unless TERM is dumb.',
      'TERM is passed on to a command at a terminal, unless the spec says something of it. No other variable is: --env NAME passes one on.',
      "XDG_RUNTIME_DIR says where an ordinary user's sessions are kept on Linux; see --state-directory.",
    ],
  },
}

/** Without a verb. */
export const generalOptions: readonly Pick<Option, 'name' | 'short' | 'value' | 'help'>[] = [
  { name: 'help', short: 'h', value: undefined, help: 'this help; after a command, its options' },
  { name: 'version', value: undefined, help: 'the version of buildjail' },
]

export const intention = 'Runs a build that sees what it declared and nothing else: on FreeBSD in a thin jail, on Linux in namespaces.'

/** As one writes it: `-f, --file FILE`. */
export function spelling({ name, short, value }: Pick<Option, 'name' | 'short' | 'value'>): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
}

/** The verbs that have an option. */
export function verbsWith(name: string): readonly Verb[] {
  return verbs.filter((verb) => optionsOf[verb].some((option) => option.name === name))
}
