import type { Topic } from './arguments.ts'

const session = `Options:
  --name N              shown in the jail's name: letters, digits, - and _
  --toolchain T         host (default: the part of the system a compiler needs), none, or path,path
  --input name=path     show path read-only at /inputs/name, or at name when that starts with /; repeatable
  --output path         show path writable at /output
  --network none|host   none (default), or the host's network
  --user U              uid:gid, uid:gid:group,group, or root; default 35001:35001
  --env NAME=value      add to the environment, which is otherwise clean; repeatable
  --cwd path            where the command starts, inside; default /tmp
  --timeout D           stop the command after D: 1500 (milliseconds), 10s, 5m, 2h
  --record file         write what the kernel says it built to file, as JSON
  --state-directory DIR where the session is kept while it lives
`

const topics: Readonly<Record<Topic, string>> = {
  buildjail: `Usage: buildjail run [options] -- command...
       buildjail plan [options] [-- command...]
       buildjail ps|gc [--state-directory DIR] [--json]
       buildjail doctor [--json]

Runs a build that sees what it declared and nothing else: on FreeBSD in a thin jail, on Linux in namespaces.

Commands:
  run     run a command in a session of its own
  plan    show what run would build; needs no privilege and changes nothing
  ps      list the sessions of this host
  gc      take away what sessions of dead processes left behind
  doctor  say whether a session can be opened here, and what to do where not

  --help, after a command as well    this, or the command's options
  --version                          the version of buildjail
`,
  run: `Usage: buildjail run [options] -- command...

Runs a command in a session of its own, which is taken away when the command ends.

${session}  --json                collect stdout and stderr, and print { result, trace } or { error }

The exit status is the command's; 128 + n when signal n ended it, 124 when it timed out,
125 when it never ran. SIGHUP, SIGINT and SIGTERM stop the command and close the session: 129, 130, 143.
`,
  plan: `Usage: buildjail plan [options] [-- command...]

Shows what run would build with the same options. Needs no privilege and changes nothing.

${session}  --json                print the plan as JSON

The exit status is 0, or 125 when the plan is refused.
`,
  ps: `Usage: buildjail ps [--state-directory DIR] [--json]

Lists the sessions of this host and user: live ones, and orphaned ones, whose process is dead.

  --state-directory DIR the stateDirectory of the sessions' specs; default: theirs
  --json                print an array of { id, name, pid, startedAt, state, root, jid }

The exit status is 0.
`,
  gc: `Usage: buildjail gc [--state-directory DIR] [--json]

Takes away what sessions of dead processes left behind; sessions that live are not touched. A new
session's process does the same before its first session.

  --state-directory DIR the stateDirectory of the sessions' specs; default: theirs
  --json                print { recovered, leftAlone }

The exit status is 0, or 1 when something was left alone: it is damaged, not buildjail's, or would not go.
`,
  doctor: `Usage: buildjail doctor [--json]

Says whether this user can open a session here: what is missing, and the one thing to do about it.
Changes nothing.

  --json                print { isSupported, obstacles, limitations, host }

The exit status is 0, or 1 when no session can be opened.
`,
}

export function helpOf(topic: Topic): string {
  return topics[topic]
}
