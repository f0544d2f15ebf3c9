import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { build, openSession, preflight, type Spec } from '../../src/index.ts'
import { answers, armed, attack, describeAttack, hostProgram, onHost, outputOf } from '../session/attacks/attack.ts'
import { describeLinux, hasCapability, isRoot } from './host.ts'

const mib = 1024 ** 2
const users: readonly Spec['user'][] = [undefined, 'root']
const as = (user: Spec['user'], spec: Spec = {}): Spec => armed({ ...spec, ...(user === undefined ? {} : { user }) })

/** What is bounded though nobody asks for it. */
;(process.platform === 'linux' ? describeAttack : describeLinux)('a build with no limit of its own', () => {
  // promise: 46
  test.each(users)('ends before the host program where memory runs out (user %s)', async (user) => {
    const score = (pid: number | 'self'): string => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()
    const before = score('self')
    await using session = await openSession(as(user))
    const child = session.spawn(['sleep', '60'])
    await expect.poll(() => child.pid).toBeDefined()
    expect(score(child.pid ?? 0)).toBe('1000')
    // Of which the children share the memory for a while (proc_pid_oom_score_adj(5)).
    expect(score('self')).toBe(before)
  })

  // It takes a capability on the host, CAP_SYS_RESOURCE: the build of a host program without it can have itself killed as late as that.
  test.runIf(hasCapability(24)).each(users)('cannot have itself killed later (user %s)', async (user) => {
    const tried = answers((await build(as(user), attack('hog', 'score'))).stdout)
    expect(Object.keys(tried)).toHaveLength(5)
    expect(Object.entries(tried).filter(([, answer]) => answer === 'ok')).toEqual([])
  })

  // promise: 46
  test.each(users)('cannot have itself killed after the host program (user %s)', async (user) => {
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'))
    const tried = answers((await build(as(user), attack('hog', 'score'))).stdout)
    expect(Object.keys(tried)).toHaveLength(5)
    const lowered = Object.entries(tried).filter(([, answer]) => answer === 'ok').map(([score]) => Number(score))
    expect(lowered.filter((score) => !(score >= own))).toEqual([])
  })

  // promise: 45
  test.each(users)('makes so many files in /tmp and /dev/shm, and no more (user %s)', async (user) => {
    await using session = await openSession(as(user, { limits: { tmpSize: mib } }))
    for (const folder of ['/tmp', '/dev/shm']) {
      const { made, 'the next': next } = answers((await session.run(attack('hog', 'names', folder, '100000'))).stdout)
      expect(Number(made)).toBeGreaterThan(1000)
      expect(Number(made)).toBeLessThanOrEqual(1024)
      expect(next).toBe('No space left on device')
    }
  })

  test('makes as many as the spec says', async () => {
    const { stdout } = await build(armed({ limits: { tmpFiles: 100 } }), attack('hog', 'names', '/tmp', '1000'))
    expect(answers(stdout)['made']).toBe('100')
  })

  // promise: 45, 48
  test.each(users)('takes so many terminals, and no more (user %s)', async (user) => {
    const { terminals } = answers((await build(as(user), attack('hog', 'terminals'))).stdout)
    expect(Number(terminals)).toBeGreaterThan(1)
    expect(Number(terminals)).toBeLessThanOrEqual(128)
  })
})

/** The names of test/probe/counts.c. */
const counted = [
  'signals', 'timers', 'descriptors on the way', 'queues', 'inotify', 'inotify watches', 'fanotify', 'fanotify marks', 'locked', 'flow labels',
  'user namespaces', 'terminals', 'keys', 'contexts', 'record locks', 'segments', 'semaphores',
]
/** Refused. */
const none = { locked: 0, 'flow labels': 0, 'user namespaces': 0, keys: 0, contexts: 0 }
const allLeft = Object.fromEntries(counted.map((name) => [name, 'ok']))

const setting = (file: string): number => Number(readFileSync(`/proc/sys/${file}`, 'utf8'))

/** That a user may have queued. */
const mostSignals = (): number => Number(/^Max pending signals +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])

/** A quarter of what the host has of each, rounded up. */
function quarters(): [string, number][] {
  const counts = {
    signals: mostSignals(),
    inotify: setting('fs/inotify/max_user_instances'),
    'inotify watches': setting('fs/inotify/max_user_watches'),
    fanotify: setting('fs/fanotify/max_user_groups'),
    'fanotify marks': setting('fs/fanotify/max_user_marks'),
    'user namespaces': setting('user/max_user_namespaces'),
  }
  return Object.entries(counts).map(([name, count]) => [name, Math.ceil(count / 4)])
}

interface Taken {
  readonly taken: Readonly<Record<string, number>>
  /** What comes of it if another program of the caller takes one more of each. */
  readonly left: Readonly<Record<string, string>>
}

const ordinary = isRoot ? ['setpriv', '--reuid=4711', '--regid=4711', '--clear-groups'] : []
/** Each is what a host program of that caller begins with. */
const callers: readonly (readonly [string, readonly string[]])[] = [...(isRoot ? [['root', []] as const] : []), ['an ordinary user', ordinary]]

/** `how` are the arguments of the program. */
async function takenBy(caller: readonly string[], spec: Spec, ...how: string[]): Promise<Taken> {
  const child = hostProgram(armed(spec), attack('counts', ...how), caller)
  try {
    let output = ''
    for await (const chunk of child.stdout ?? []) {
      output += String(chunk)
      if (output.includes('all: taken')) break
    }
    const [file = '', ...one] = [...caller, ...onHost('counts', 'one', ...counted)]
    const left = answers(spawnSync(file, one, { encoding: 'utf8' }).stdout)
    // A session begins by passing descriptors to init.
    expect(await outputOf(hostProgram({}, ['echo', 'another'], caller))).toBe('another\n')
    return { taken: Object.fromEntries(Object.entries(answers(output)).map(([name, count]) => [name, Number(count)])), left }
  } finally {
    child.kill()
    await once(child, 'close')
  }
}

;(process.platform === 'linux' ? describeAttack : describeLinux)('what the kernel counts for a user', () => {
  describe.each(callers)('who is %s', (_, caller) => {
    // promise: 45
    test.each(users)('is there for the host while a build takes all it can (user %s)', async (user) => {
      // Those that take the kernel long are for the callers whose counts they are.
      const names = caller === ordinary ? counted : counted.filter((name) => !/watches|marks/.test(name))
      const { taken, left } = await takenBy(caller, as(user), 'take', '0', ...names)
      expect(left).toEqual(allLeft)
      expect(taken).toMatchObject(none)
      // There may be more descriptors of this user's on the way already, as of another test. By default there are 10 queues for a user.
      const had = names.filter((name) => !['timers', 'descriptors on the way', ...Object.keys(none)].includes(name))
      expect(had.filter((name) => !(Number(taken[name]) > 1))).toEqual([])
      if (caller === ordinary) expect(quarters().filter(([name, quarter]) => !(Number(taken[name]) <= quarter))).toEqual([])
    })

    test('is there for a later session when the build has ended', async () => {
      const [before, after] = [await takenBy(caller, {}, 'take', '0', 'signals', 'inotify'), await takenBy(caller, {}, 'take', '0', 'signals', 'inotify')]
      expect(after.taken).toEqual(before.taken)
    })
  })

  // promise: 45
  test('is there for an ordinary user while a build takes all user namespaces it can', async () => {
    const { taken, left } = await takenBy(ordinary, { allow: ['user-namespaces'] }, 'take', '0', 'user namespaces')
    expect(left).toEqual(allLeft)
    expect(taken['user namespaces']).toBeGreaterThan(1)
    expect(taken['user namespaces']).toBeLessThanOrEqual(Number(Object.fromEntries(quarters())['user namespaces']))
  }, 240_000)

  test('is too little for a session where a user may make few namespaces, and doctor says by which setting', (context) => {
    const program = `import { preflight } from ${JSON.stringify(path.resolve('dist/index.js'))}
      console.log(JSON.stringify(preflight().obstacles))`
    const few = 'echo 1 >/proc/sys/user/max_user_namespaces && exec "$@"'
    const words = ['--user', '--map-root-user', 'sh', '-c', few, 'sh', process.execPath, '--input-type=module', '--eval', program]
    const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' })
    if (stdout === '') return context.skip(`no user namespace can be made for it here: ${stderr}`)
    const [obstacle] = JSON.parse(stdout) as { readonly check: string; readonly problem: string }[]
    expect(obstacle?.check).toBe('user-namespaces')
    expect(obstacle?.problem).toContain('user.max_user_namespaces')
  })

  // kill(2) queues these whatever the quarter is, 62 for a thread. Root's sessions have a count of their own.
  // promise: 45
  test.skipIf(isRoot)('is there for an ordinary user while a build with a limit of processes has as many signals pending as these may', async (context) => {
    const { limitations } = preflight()
    const limitation = limitations.find(({ check }) => check === 'limits')
    if (limitation !== undefined) return context.skip(limitation.problem)
    const processes = Math.floor(mostSignals() / 4 / 62)
    const { taken, left } = await takenBy([], { limits: { processes } }, 'flood', String(2 * processes))
    expect(taken['signals']).toBeGreaterThan(processes)
    expect(taken['signals']).toBeLessThanOrEqual(62 * processes)
    expect(left).toEqual(allLeft)
  })

  // Root's sessions have ids of their own, and what they have is counted for those.
  // promise: 45
  test.runIf(isRoot)('is there for root while a build of many users takes all it can', async () => {
    const { taken, left } = await takenBy([], { user: 'root' }, 'take', '6', 'signals', 'queues', 'inotify', 'fanotify')
    expect(left).toEqual(allLeft)
    expect(taken['inotify']).toBe(setting('fs/inotify/max_user_instances'))
  })

  // promise: 45
  test.runIf(isRoot)('is there for root while a build has more signals queued than a user may have', async (context) => {
    // Each process has 29.
    const processes = Math.ceil(mostSignals() / 29) + 1
    if (processes > 5000) return context.skip('a user may have so many that it takes too many processes')
    const { taken, left } = await takenBy([], {}, 'flood', String(processes))
    expect(taken['signals']).toBeGreaterThan(mostSignals())
    expect(left).toEqual(allLeft)
  })
})
