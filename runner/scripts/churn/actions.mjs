// What a worker hands to the runner, in all sorts, and what has to come of each.

const daemon = 'trap "" TERM HUP INT; while :; do echo beat >> beats; sleep 0.005; done'

/** By kind: the command, and how it ends where nobody ends it. `endless` ones have to be ended. */
export const kinds = {
  nothing: { command: ['true'], exitCode: 0, stdout: '' },
  fails: { command: ['sh', '-c', 'echo before; exit 9'], exitCode: 9, stdout: 'before\n' },
  'is ended by a signal': { command: ['sh', '-c', 'kill -SEGV $$'], exitCode: -1, stdout: '' },
  'reads and writes': { command: ['sh', '-c', 'cat given/file > out; mkdir -p a/b/c && cp given/file a/b/c/; cat out'], exitCode: 0, stdout: 'given\n' },
  'makes what is hard to remove': { command: ['sh', '-c', 'mkdir -p x/y; echo z > x/y/z; chmod 0 x/y/z x/y x; ln -s / link'], exitCode: 0, stdout: '' },
  'leaves a daemon': { command: ['sh', '-c', `( (${daemon}) & ) ; echo left`], exitCode: 0, stdout: 'left\n' },
  'kills what it can': { command: ['sh', '-c', 'trap "" TERM; kill -TERM -1 2>/dev/null; echo tried'], exitCode: 0, stdout: 'tried\n' },
  'writes much': { command: ['sh', '-c', 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done'], exitCode: 0, stdout: Array.from({ length: 2000 }, (_, index) => `line ${index}\n`).join('') },
  takes: { command: ['sh', '-c', 'sleep 0.05; echo slept'], exitCode: 0, stdout: 'slept\n' },
  'cannot be started': { command: ['absent-program'], code: 3 },
  endless: { command: ['sh', '-c', `(${daemon}) & ${daemon}`], isEndless: true },
}

export const fates = ['cancel', 'deadline']
