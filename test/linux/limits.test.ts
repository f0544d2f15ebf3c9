import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, recover, SessionPool, type Session, type Spec } from '../../src/index.ts'
import { stateDirectoryOf } from '../../src/spec/state-directory.ts'
import { answers, armed, attack } from '../session/attacks/attack.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { emptyCgroups } from '../session/session-cgroups.ts'
import { cgroupOf, describeLimits, isUnified, limitsOf, said } from './cgroups.ts'

const mib = 1024 ** 2
const all: NonNullable<Spec['limits']> = { memory: 64 * mib, processes: 32, cpus: 0.5 }
const hasSwap = process.platform === 'linux' && readFileSync('/proc/swaps', 'utf8').trim().split('\n').length > 1
/** Of memory alone: swap would take what is more. */
const memoryOf = (bytes: number): NonNullable<Spec['limits']> => ({ memory: bytes, ...(hasSwap && { swap: 0 }) })

const initOf = async (session: Session): Promise<number> => Number(/^\/proc\/(\d+)\/root$/.exec((await session.record()).root)?.[1])
const number = (output: Record<string, string>, name: string): number => Number(output[name])

describeLimits('limits of a session on Linux', () => {
  const folders = useFolders()
  const programs = usePrograms()

  // promise: 43
  test('are files of cgroups that bear its id, and all in it is in them from its beginning on', async () => {
    await using session = await openSession({ limits: all })
    const init = await initOf(session)
    const memory = limitsOf(init, 'memory')
    const pids = limitsOf(init, 'pids')
    const cpu = limitsOf(init, 'cpu')
    for (const directory of [memory, pids, cpu]) expect(path.basename(directory)).toBe(`buildjail-${session.id}`)
    expect(said(memory, isUnified(memory) ? 'memory.max' : 'memory.limit_in_bytes')).toBe(String(64 * mib))
    // Init is one of them, and none of the build's.
    expect(said(pids, 'pids.max')).toBe('33')
    expect(isUnified(cpu) ? said(cpu, 'cpu.max') : [said(cpu, 'cpu.cfs_quota_us'), said(cpu, 'cpu.cfs_period_us')].join(' ')).toBe('50000 100000')
    const own = cgroupOf(init, 'pids') ?? ''
    const child = session.spawn(['sleep', '60'])
    await expect.poll(() => said(own, 'cgroup.procs').split('\n').length).toBe(2)
    await expect.poll(() => child.pid).toBeDefined()
    expect(said(own, 'cgroup.procs').split('\n')).toEqual(expect.arrayContaining([String(init), String(child.pid)]))
    await session.close()
    expect([memory, pids, cpu].filter((directory) => existsSync(directory))).toEqual([])
  })

  test('are none where none is asked for: it stays in the cgroups of the host program', async () => {
    await using session = await openSession({})
    const init = await initOf(session)
    expect(readFileSync(`/proc/${init}/cgroup`, 'utf8')).toBe(readFileSync('/proc/self/cgroup', 'utf8'))
    expect(session.steps.map(({ step }) => step)).not.toContain('cgroup')
  })

  test('show a build its own cgroup as the root of all', async () => {
    await using session = await openSession({ limits: all })
    const init = await initOf(session)
    const lines = (await session.run(['cat', '/proc/self/cgroup'])).stdout.split('\n')
    const outside = readFileSync(`/proc/${init}/cgroup`, 'utf8').trimEnd().split('\n')
    const own = lines.filter((_, index) => outside[index]?.includes(session.id))
    expect(own.length).toBeGreaterThan(0)
    expect(own.filter((line) => !line.endsWith(':/'))).toEqual([])
  })

  // promise: 43
  test('of memory end what takes more, and nothing else: the session runs on, and so does its neighbour', async () => {
    await using neighbour = await openSession({})
    const beside = neighbour.spawn(['sleep', '60'])
    await using session = await openSession(armed({ limits: memoryOf(64 * mib) }))
    const hog = await session.run(attack('hog', 'memory', String(512 * mib)), { reject: false })
    expect(hog).toMatchObject({ signal: 'SIGKILL', stdout: '', limit: 'memory' })
    await expect(session.run(attack('hog', 'memory', String(512 * mib)))).rejects.toMatchObject({ limit: 'memory' })
    expect((await session.run(attack('hog', 'memory', String(16 * mib)))).stdout).toBe('has it')
    expect(beside.exitCode).toBe(null)
    expect((await neighbour.run(['echo', 'there'])).stdout).toBe('there')
  })

  // promise: 43
  test('of memory leave some of it to commands, however full /tmp and /dev/shm are', async () => {
    await using session = await openSession(armed({ limits: { memory: 24 * mib } }))
    for (const folder of ['/tmp', '/dev/shm']) {
      expect([folder, (await session.run(attack('hog', 'files', folder, String(512 * mib)))).stdout]).toEqual([folder, 'No space left on device'])
    }
    expect((await session.run(['sh', '-c', 'rm /tmp/full /dev/shm/full; echo there'])).stdout).toBe('there')
  })

  // With swap the files may leave the memory again.
  test.skipIf(hasSwap)('of memory count what lies in /tmp: one that asks for a greater /tmp than that ends by it, as a whole at last, and says why', async () => {
    const session = await openSession(armed({ limits: { memory: 24 * mib, tmpSize: 512 * mib } }))
    expect((await session.run(attack('hog', 'files', '/tmp', String(256 * mib)), { reject: false })).signal).toBe('SIGKILL')
    for (let attempt = 0; attempt < 20; attempt++) {
      const ended = await session.run(['echo', 'there'], { reject: false }).then(({ signal, stdout }) => signal ?? stdout).catch((error: { detail?: string; message: string }) => error.detail ?? error.message)
      // The kernel may have made room for one that needs so little.
      expect(ended).toMatch(/^(there|SIGKILL|memory: .*)$/)
    }
    await session.close()
    await expect.poll(emptyCgroups, { timeout: 5000 }).toEqual([])
  })

  // promise: 43
  test('of swap are kept, where the kernel counts it', async (context) => {
    const spec = armed({ limits: { memory: 64 * mib, swap: 0 } })
    const opened = await openSession(spec).catch((error: unknown) => String(error))
    if (typeof opened === 'string') return context.skip(opened)
    await using session = opened
    const memory = limitsOf(await initOf(session), 'memory')
    if (isUnified(memory)) expect(said(memory, 'memory.swap.max')).toBe('0')
    else expect(said(memory, 'memory.memsw.limit_in_bytes')).toBe(String(64 * mib))
    expect((await session.run(attack('hog', 'memory', String(256 * mib)), { reject: false })).signal).toBe('SIGKILL')
  })

  test('of memory that a session without a command has already are refused in one sentence, and nothing is left', async () => {
    await expect(openSession({ limits: { memory: 4096 } })).rejects.toMatchObject({ code: 'ENOMEM', step: 'limits', detail: expect.stringMatching(/^memory: .* bytes .* 4096$/) as string })
    await expect.poll(emptyCgroups, { timeout: 5000 }).toEqual([])
  })

  // promise: 43
  test('of memory hold for what waits in sockets, which a build has without having it', async () => {
    // Cgroups of version 2 count it with the rest of the memory, so what is too much ends the build.
    const held = async (limits: NonNullable<Spec['limits']>): Promise<number> => {
      const { limit, stdout } = await build(armed({ limits, network: 'host' }), attack('hog', 'sockets', '400'), { reject: false })
      return limit === 'memory' ? (limits.memory as number) : number(answers(stdout), 'held')
    }
    expect(await held({})).toBeGreaterThan(48 * mib)
    expect(await held({ memory: 32 * mib })).toBeLessThan(48 * mib)
  })

  test('of memory are said to have ended who met them, also after a signal that did not end it; and not who was ended by the caller', async () => {
    await using session = await openSession(armed({ limits: memoryOf(64 * mib) }))
    const isThere = async (file: string): Promise<boolean> => !(await session.run(['test', '-e', file], { reject: false })).failed
    const killed = session.run(['sleep', '60'], { reject: false })
    const patient = `trap '' TERM; : > /tmp/up; until [ -e /tmp/go ]; do sleep 0.05; done; exec /inputs/probe/hog memory ${256 * mib}`
    // Killed by nobody but the kernel, however long that takes.
    const greedy = session.run(['sh', '-c', patient], { reject: false, forceKillAfterDelay: 60_000 })
    await expect.poll(() => isThere('/tmp/up'), { timeout: 20_000 }).toBe(true)
    expect(greedy.kill('SIGTERM')).toBe(true)
    await session.run(['touch', '/tmp/go'])
    expect(await greedy).toMatchObject({ signal: 'SIGKILL', limit: 'memory' })
    expect(killed.kill('SIGKILL')).toBe(true)
    expect(await killed).toMatchObject({ signal: 'SIGKILL', limit: undefined })
  })

  // promise: 43
  test('of processes hold against one that forks 10,000 times, and a neighbour goes on at its pace', async () => {
    await using neighbour = await openSession({})
    await using session = await openSession(armed({ limits: { processes: 64 } }))
    const quiet = await paced(neighbour, 100)
    const bomb = session.spawn(attack('hog', 'forks', '10000'))
    let output = ''
    bomb.stdout?.on('data', (chunk: Buffer) => (output += String(chunk)))
    const ended = once(bomb, 'close')
    const beside: number[] = []
    while (bomb.exitCode === null) beside.push(...(await paced(neighbour, 5)))
    await ended
    console.log(`a neighbour's run, p99: ${p99(quiet).toFixed(1)} ms before, ${p99(beside).toFixed(1)} ms beside (${beside.length} runs)`)
    const { began, refused } = answers(output)
    // The one that forks is one of them.
    expect(Number(began)).toBe(63)
    expect(Number(refused)).toBe(10_000 - 63)
    expect(await session.run(attack('hog', 'forks', '100'), { reject: false })).toMatchObject({ exitCode: 1, limit: 'processes' })
    expect((await session.run(['echo', 'there'])).stdout).toBe('there')
  })

  test('of processes count no process of the session itself: with one, one command runs at a time', async () => {
    await using session = await openSession({ limits: { processes: 1 } })
    expect((await session.run(['echo', 'there'])).stdout).toBe('there')
    const child = session.spawn(['sleep', '60'])
    await once(child, 'spawn')
    await expect(session.run(['true'])).rejects.toMatchObject({ code: 'EAGAIN', detail: expect.stringMatching(/^processes: .*limits\.processes/) as string })
  })

  // promise: 43
  test('of processors are kept by all together', async () => {
    await using session = await openSession(armed({ limits: { cpus: 0.5 } }))
    const began = performance.now()
    const { stdout } = await session.run(attack('hog', 'spin', '2', '2'))
    const share = number(answers(stdout), 'milliseconds') / (performance.now() - began)
    expect(share).toBeGreaterThan(0.1)
    expect(share).toBeLessThan(0.65)
  })

  test('of processor time are looked at while builds end, and disturb none', async () => {
    const spec = { limits: { cpuTime: 2000 } }
    // From 20 ms before they are looked at to 20 ms after.
    const soonest = 2 / cpus().length
    const ends = Array.from({ length: 20 }, (_, index) => String(soonest - 0.02 + index * 0.002))
    const results = await Promise.all(ends.map((seconds) => build(spec, ['sleep', seconds])))
    expect(results.map(({ exitCode }) => exitCode)).toEqual(ends.map(() => 0))
    await expect.poll(emptyCgroups, { timeout: 5000 }).toEqual([])
  })

  test('of processors hold up neither killing everything nor closing', { timeout: 150_000 }, async () => {
    await using session = await openSession(armed({ limits: { cpus: 0.01 } }))
    const own = cgroupOf(await initOf(session), 'cpu') ?? ''
    for (const end of [() => session.killAll(), () => session.close()]) {
      const spinning = session.run(attack('hog', 'spin', '40', '60'), { reject: false })
      await expect.poll(() => said(own, 'cgroup.procs').split('\n').length, { timeout: 60_000 }).toBeGreaterThan(10)
      const began = performance.now()
      await end()
      await spinning
      // Far more than it takes on a busy machine, and less than what a hundredth of a processor needs for all of them.
      expect(performance.now() - began).toBeLessThan(10_000)
    }
  })

  // A kernel since 6.18 lets a killed process end without its share of the processors, so that no time tells.
  test('of processors are lifted from a session that closes', async () => {
    const session = await openSession({ limits: { cpus: 0.5 } })
    const own = limitsOf(await initOf(session), 'cpu')
    const events: string[] = []
    const watched = watch(path.join(own, isUnified(own) ? 'cpu.max' : 'cpu.cfs_quota_us'), (event) => events.push(event))
    try {
      await session.close()
      await expect.poll(() => events).toContain('change')
    } finally {
      watched.close()
    }
  })

  // Init has a part of what its build has, and takes what is sent to it only then.
  // promise: 43
  test('of processors hold up no other session, however many commands are begun in one whose init gets next to nothing', { timeout: 110_000 }, async () => {
    await using neighbour = await openSession({})
    await using session = await openSession({ limits: { cpus: 0.1, processes: 900 } })
    const greedy = session.run(['sh', '-c', 'i=0; while [ $i -lt 60 ]; do (while :; do :; done) & i=$((i+1)); done; sleep 5; kill -KILL 0'], { reject: false })
    const own = cgroupOf(await initOf(session), 'cpu') ?? ''
    await expect.poll(() => said(own, 'cgroup.procs').split('\n').length, { timeout: 20_000 }).toBeGreaterThan(50)
    const ended = { count: 0 }
    const commands = Array.from({ length: 500 }, async (_, index) => {
      const { stdout } = await session.run(['echo', String(index)])
      ended.count += 1
      return Number(stdout)
    })
    expect((await neighbour.run(['echo', 'there'])).stdout).toBe('there')
    // By then init has come to few of them: nobody has waited for it.
    expect(ended.count).toBeLessThan(250)
    expect(await Promise.all(commands)).toEqual(commands.map((_, index) => index))
    expect((await greedy).signal).toBe('SIGKILL')
  })

  // promise: 43
  test('of processors may be more than those of a cgroup around, which then hold', async (context) => {
    const around = path.join(cgroupOf('self', 'cpu') ?? '', `test-around-${process.pid}`)
    mkdirSync(around)
    context.onTestFinished(() => rmdirSync(around))
    if (isUnified(around)) return context.skip('of version 2 any number may be said')
    writeFileSync(path.join(around, 'cpu.cfs_quota_us'), '50000')
    const entry = path.resolve('dist/index.js')
    const program = `const { openSession } = await import(${JSON.stringify(entry)}); const s = await openSession({ limits: { cpus: 1 } }); console.log(JSON.stringify((await s.record()).limits)); await s.close()`
    const within = ['-c', 'echo $$ > "$0"/tasks; exec "$@"', around, process.execPath, '--input-type=module', '-e', program]
    const { stdout, stderr } = spawnSync('sh', within, { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject([{ limit: 'cpus', value: 1000, by: expect.stringContaining('around') as string }])
  })

  test('are told of by the record, and what is taken by usage()', async () => {
    await using session = await openSession(armed({ limits: all }))
    const { limits } = await session.record()
    expect(limits.map(({ limit, value }) => [limit, value])).toEqual(expect.arrayContaining([['memory', 64 * mib], ['processes', 32]]))
    expect(limits.map(({ by }) => by)).toEqual(expect.arrayContaining(['pids.max']))
    await session.run(attack('hog', 'memory', String(32 * mib)))
    await session.run(attack('hog', 'forks', '20'))
    const { cpuTime, memory, peakMemory, processes, peakProcesses, by } = await session.usage()
    expect(by).toMatch(/^cgroup v[12]$/)
    expect(Number(cpuTime)).toBeGreaterThan(0)
    expect(Number(memory)).toBeLessThan(64 * mib)
    expect(Number(peakMemory)).toBeGreaterThan(32 * mib)
    expect(Number(peakMemory)).toBeLessThanOrEqual(64 * mib)
    // The last of them may still be ending when its command has.
    expect(Number(processes)).toBeLessThan(21)
    await expect.poll(async () => (await session.usage()).processes, { timeout: 10_000 }).toBe(0)
    // Kernels before 6.12 do not keep it.
    if (peakProcesses !== undefined) expect(peakProcesses).toBe(21)
  })

  test('are none, and usage() tells of processes all the same', async () => {
    await using session = await openSession(armed())
    await session.run(attack('hog', 'spin', '1', '1'))
    const { cpuTime, processes, by } = await session.usage()
    expect(by).toBe('/proc')
    expect(Number(cpuTime)).toBeGreaterThan(100)
    expect(processes).toBe(0)
  })

  test('are put on by a pool once for each session, before anything is added', async () => {
    await using pool = await SessionPool.open({ limits: { processes: 8 } }, { size: 1 })
    await using session = await pool.acquire({ output: folders.output })
    expect(said(limitsOf(await initOf(session), 'pids'), 'pids.max')).toBe('9')
    await session.close()
    await pool.close()
    await expect.poll(emptyCgroups, { timeout: 5000 }).toEqual([])
  })

  test('are put on by a pool once, also where a build adds nothing', async () => {
    await using pool = await SessionPool.open({ limits: all }, { size: 1 })
    for (const added of [{}, { inputs: { more: folders.input } }]) {
      await using session = await pool.acquire(added)
      await session.run(['true'])
      expect(session.steps.filter(({ step }) => step === 'limits')).toHaveLength(1)
    }
  })

  // promise: 44
  test('with all of them on, a hundred sessions leave no cgroup', async () => {
    for (let round = 0; round < 10; round++) {
      const sessions = await Promise.all(Array.from({ length: 10 }, () => openSession({ limits: all })))
      await Promise.all(sessions.map((session) => session.run(['true'])))
      await Promise.all(sessions.map((session) => session.close()))
    }
    await expect.poll(emptyCgroups, { timeout: 5000 }).toEqual([])
  })

  // promise: 44
  test('go with the host program that is killed, by its watcher and by a recovery', async () => {
    for (const way of ['watcher', 'recovery'] as const) {
      const program = await programs.start(folders.output, { limits: all })
      const directory = limitsOf(Number(/^\/proc\/(\d+)\/root$/.exec(program.record.root)?.[1]), 'pids')
      expect(existsSync(directory)).toBe(true)
      if (way === 'watcher') {
        await program.kill()
      } else {
        await program.killUnwatched()
        expect((await recover()).leftAlone).toEqual([])
      }
      await expect.poll(() => existsSync(directory), { timeout: 2000, interval: 10 }).toBe(false)
      await expect.poll(emptyCgroups, { timeout: 5000 }).toEqual([])
    }
  })

  test('of a journal that names what is not the session’s: a recovery leaves that alone, and says so', async () => {
    const id = 'feedfacefeedface'
    const others = path.join(cgroupOf('self', 'pids') ?? '', 'buildjail-0123456789abcdef')
    const plain = path.join(folders.top, `buildjail-${id}`)
    const journal = path.join(stateDirectoryOf(), `${id}.journal`)
    const session = await openSession({ limits: all })
    const text = readFileSync(path.join(stateDirectoryOf(), `${session.id}.journal`), 'utf8')
    await session.close()
    const lines = text.split('\n').filter((line) => !/^(ids|cgroup) /.test(line))
    const begun = lines.indexOf('begun')
    const forged = [...lines.slice(0, begun), `cgroup directory ${others}`, `cgroup directory ${plain}`, 'begun', '']
    mkdirSync(others)
    mkdirSync(plain)
    try {
      writeFileSync(journal, forged.join('\n').replaceAll(session.id, id), { mode: 0o600 })
      expect((await recover()).leftAlone.map(({ path: left }) => left)).toEqual([others, plain])
      expect([others, plain].filter((directory) => !existsSync(directory))).toEqual([])
    } finally {
      rmdirSync(others)
      rmSync(journal, { force: true })
    }
  })
})

/** Milliseconds of each of so many runs, one after the other. */
async function paced(session: Session, count: number): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const began = performance.now()
    await session.run(['true'])
    times.push(performance.now() - began)
  }
  return times
}

function p99(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? 0
}
