import type { Topic } from './command-line.ts'
import { optionsOf, type Option, type Verb } from './options.ts'

interface Page {
  readonly usage: string
  readonly about: string
  readonly exitStatus: string
}

const pages: Readonly<Record<Verb, Page>> = {
  run: {
    usage: 'run [options] -- command...',
    about: 'Runs a command in a session of its own, which is taken away when the command ends.',
    exitStatus: `The exit status is the command's; it is 128 + n when signal n ended the command, 124 when the command timed
out, and 125 when it never ran. SIGHUP, SIGINT and SIGTERM stop the command and close the session: 129, 130, 143.`,
  },
  plan: {
    usage: 'plan [options] [-- command...]',
    about: 'Shows what run would build with the same options. Needs no privilege and changes nothing.',
    exitStatus: 'The exit status is 0, or 125 when the plan is refused.',
  },
  ps: {
    usage: 'ps [--state-directory DIR] [--json]',
    about: 'Lists the sessions of this host and user. A session is live, or orphaned when its process is dead.',
    exitStatus: 'The exit status is 0.',
  },
  gc: {
    usage: 'gc [--state-directory DIR] [--json]',
    about: `Takes away what sessions of dead processes left behind, and leaves live sessions alone. A process does the
same before it opens its first session.`,
    exitStatus: `The exit status is 0, or 1 when something was left alone: it is damaged, was not made by buildjail, or could not be
taken away.`,
  },
  doctor: {
    usage: 'doctor [--json]',
    about: `Says whether this user can open a session on this host, and for everything that is missing the one thing to do
about it. Changes nothing.`,
    exitStatus: 'The exit status is 0, or 1 when no session can be opened.',
  },
}

const overview = `Usage: buildjail run [options] -- command...
       buildjail plan [options] [-- command...]
       buildjail ps|gc [--state-directory DIR] [--json]
       buildjail doctor [--json]

Runs a build that sees what it declared and nothing else: on FreeBSD in a thin jail, on Linux in namespaces.

Commands:
  run     run a command in a session of its own
  plan    show what run would build; needs no privilege and changes nothing
  ps      list the sessions of this host
  gc      take away what sessions of dead processes left behind
  doctor  say whether a session can be opened on this host, and what to do if not

  --help, after a command as well    this, or the command's options
  --version                          the version of buildjail
`

export function helpOf(topic: Topic): string {
  if (topic === 'buildjail') return overview
  const { usage, about, exitStatus } = pages[topic]
  return `Usage: buildjail ${usage}\n\n${about}\n\nOptions:\n${linesOf(optionsOf[topic])}\n${exitStatus}\n`
}

function linesOf(options: readonly Option[]): string {
  const rows = options.map(({ name, value, help }) => [`--${name}${value === undefined ? '' : ` ${value}`}`, help] as const)
  const width = Math.max(...rows.map(([option]) => option.length))
  return rows.map(([option, help]) => `  ${option.padEnd(width)}  ${help}\n`).join('')
}
