// The kinds of builds that a soak is made of: what each declares, what it does in its session, and what must come of it.

/**
 * @typedef {{ input: string, output: string }} Place folders of the host; the output is this build's alone
 * @typedef {import('../../dist/index.js').Session} Session
 * @typedef {object} Kind
 * @property {(place: Place) => import('../../dist/index.js').Spec} spec
 * @property {(session: Session) => Promise<unknown>} work
 * @property {unknown} expected what `work` resolves with, or the error's code
 * @property {boolean} [isByRun] all that `work` does is run commands, each of which may have a session of its own
 */

const stubborn = 'trap "" TERM INT HUP; while :; do sleep 0.01; done'
const daemon = '(setsid sh -c \'trap "" TERM HUP; sleep 100\' >/dev/null 2>&1 &)'

const result = (script, options) => async (session) => {
  const { exitCode, signal, stdout, timedOut, isCanceled } = await session.run(['sh', '-c', script], { reject: false, ...options })
  if (timedOut) return 'timed out'
  if (isCanceled) return 'canceled'
  return signal ?? (exitCode === 0 ? stdout : exitCode)
}

const shell = (script, options) => ({ work: result(script, options), isByRun: true })

/** @type {Readonly<Record<string, Kind>>} */
export const kinds = {
  'nothing declared': { spec: () => ({}), ...shell('echo done'), expected: 'done' },
  'an input': { spec: ({ input }) => ({ inputs: { src: input } }), ...shell('cat /inputs/src/given'), expected: 'given' },
  'an output': {
    spec: ({ output }) => ({ output }),
    ...shell('echo made > /output/made && cat /output/made'),
    expected: 'made',
  },
  'an output made private': {
    spec: ({ input, output }) => ({ inputs: { src: input }, output }),
    ...shell('cp /inputs/src/given /output/copy && chmod 700 /output && echo done'),
    expected: 'done',
  },
  'a store': {
    spec: ({ input, output }) => ({ stores: { '/gnu/store': output }, inputs: { '/gnu/store/abc-src': input } }),
    ...shell('out=$(mktemp -d /gnu/store/out.XXXXXX) && cp /gnu/store/abc-src/given $out/copy && cat $out/copy'),
    expected: 'given',
  },
  'mounts inside an output': {
    spec: ({ input, output }) => ({ outputs: { '/w': output }, inputs: { '/w/deep/src': input } }),
    ...shell('cat /w/deep/src/given; rm -rf /w/moved; mv /w/deep /w/moved; cat /w/moved/src/given'),
    expected: 'given\ngiven',
  },
  'an overlay': {
    spec: ({ input, output }) => ({ inputs: { src: { path: input, overlay: true } }, output }),
    ...shell('cd /inputs/src && test ! -e made && echo more >> given && mv given made && mkdir -p a/b && rm -r a && cp made /output && cat made'),
    expected: 'given\nmore',
  },
  root: {
    spec: ({ output }) => ({ output, user: 'root' }),
    ...shell('echo root > /output/root && rm /output/root && echo done'),
    expected: 'done',
  },
  // As far as the host can hold them.
  'within limits': {
    spec: ({ output }) => ({ output, limits: { memory: '256M', processes: 64, cpus: 2, policy: 'best-effort' } }),
    ...shell('echo $(cat /dev/zero | head -c 1000000 | wc -c)'),
    expected: '1000000',
  },
  'more files in memory, and terminals of its own': {
    spec: ({ output }) => ({ output, tmpfs: { '/var/tmp': '1M', '/scratch/deep': '2M' } }),
    ...shell('echo a > /var/tmp/a && cp /var/tmp/a /scratch/deep && cat /scratch/deep/a && test -e /dev/null && echo done', { stdio: 'pty' }),
    expected: 'a\r\ndone',
  },
  'the network of the host': { spec: () => ({ network: 'host' }), ...shell('echo done'), expected: 'done' },
  'a file of its own in /etc': { spec: () => ({ etc: { '/etc/added': 'added' } }), ...shell('id -un; cat /etc/added'), expected: 'build\nadded' },
  'a loopback of its own': {
    spec: ({ input, output }) => ({ network: 'loopback', inputs: { src: input }, output }),
    ...shell('echo made > /output/made && cat /output/made'),
    expected: 'made',
  },
  'no toolchain': {
    spec: ({ input }) => ({ toolchain: 'none', inputs: { src: input } }),
    work: (session) => session.run(['/bin/sh']),
    isByRun: true,
    expected: 'ENOENT',
  },
  'a failure': { spec: () => ({}), ...shell('exit 3'), expected: 3 },
  'much output': { spec: () => ({}), ...shell('dd if=/dev/zero bs=1000 count=300 2>/dev/null | tr "\\0" x'), expected: 'x'.repeat(300_000) },
  'a daemon left behind': {
    spec: ({ output }) => ({ output }),
    ...shell(`${daemon}; echo done`),
    expected: 'done',
  },
  'a timeout that is ignored': { spec: () => ({}), ...shell(stubborn, { timeout: 30, forceKillAfterDelay: 10 }), expected: 'timed out' },
  'a cancellation that is ignored': {
    spec: ({ output }) => ({ output }),
    work: (session) => result(stubborn, { signal: AbortSignal.timeout(30), forceKillAfterDelay: 10 })(session),
    expected: 'canceled',
  },
  'three commands at once': {
    spec: () => ({}),
    work: (session) => Promise.all(['a', 'b', 'c'].map((word) => result(`echo ${word} > /tmp/${word}; cat /tmp/${word}`)(session))),
    expected: ['a', 'b', 'c'],
  },
  'a conversation by pipes': {
    spec: () => ({}),
    work: async (session) => {
      const child = session.spawn(['cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
      const closed = new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text) => (said += text))
      child.stdin.on('error', () => {})
      child.stdin.end('hello')
      await closed
      return child.signalCode ?? said
    },
    expected: 'hello',
  },
  'closed while it runs': {
    spec: ({ output }) => ({ output }),
    work: async (session) => {
      const child = session.spawn(['sh', '-c', stubborn], { stdio: ['ignore', 'ignore', 'ignore'] })
      const ended = new Promise((resolve, reject) => child.once('exit', (_, signal) => resolve(signal)).once('error', reject))
      // Where its init is killed before it is started, that is told by the next line already.
      ended.catch(() => {})
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
      await session.close()
      return ended
    },
    expected: 'SIGKILL',
  },
}
