import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

import { build, openSession, planOf, SessionPool, setConcurrency, SpecError, type Spec } from '../../src/index.ts'
import type { NativeEnvelope } from '../../src/native/binding.ts'
import { expectJob } from '../../src/native/jobs.ts'
import { binding } from '../../src/native/load.ts'
import { nativeBaseOf } from '../../src/native/wire-plan.ts'
import { packJob, plainFrame } from '../../src/native/wire-job.ts'
import { newId, openEnvelope } from '../../src/session/opening.ts'
import { useFolders } from './folders.ts'
import { expectSameButForIds, expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

function openBase(): Promise<NativeEnvelope> {
  const plan = planOf({})
  return openEnvelope(nativeBaseOf(plan), newId(), plan, 0)
}

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

describeSession('a pool of sessions', () => {
  const folders = useFolders()

  test('gives what openSession gives for both specs together, as the kernel tells it', async () => {
    // Named, as one that is leased would be another each time.
    const base: Spec = { inputs: { base: folders.input }, ...(process.geteuid?.() === 0 && { user: { uid: 4001, gid: 4002 } }) }
    const additions = { inputs: { src: folders.input, one: path.join(folders.input, 'given.txt') }, output: folders.output, env: { A: 'b' } }
    await using pool = await SessionPool.open(base, { size: 1 })
    const seen = async (open: () => ReturnType<typeof openSession>): Promise<unknown> => {
      await using session = await open()
      const { stdout } = await session.run(['sh', '-c', 'ls -A / /inputs /inputs/src; echo "$A"; id -u; cat /inputs/one'])
      const { root, mounts, jail, process } = await session.record()
      // On Linux a base has its files in /etc in its root, as a build may add some, and other sessions have them ready on a mount.
      const told = mounts.filter(({ on }) => on !== `${root}/etc` && on !== '/etc').map(({ type, from, on, flags }) => ({ type, from: from.replace(root, ''), on: on.replace(root, ''), flags }))
      const parameters = { ...jail, jid: 0, name: '', path: '', meta: '', dying: false, 'host.hostuuid': '', 'cpuset.id': 0, desc: 0 }
      return { stdout, told: told.sort((a, b) => a.on.localeCompare(b.on)), parameters, uid: process?.uid, groups: process?.groups }
    }
    const pooled = await seen(() => pool.acquire(additions))
    expect(pooled).toEqual(await seen(() => openSession({ ...base, ...additions, inputs: { ...base.inputs, ...additions.inputs } })))
  })

  // promise: 13
  test('nothing of the host is within reach of an acquired session, nor can its root be written to', async () => {
    await using pool = await SessionPool.open({}, { size: 1 })
    await using session = await pool.acquire({ inputs: { src: folders.input } })
    const reach = `cat ${folders.input}/given.txt; cat /proc/1/root${folders.input}/given.txt; cd /inputs; cat ../../..${folders.input}/given.txt; touch /new`
    const { stdout, stderr } = await session.run(['sh', '-c', reach], { reject: false })
    expect(stdout).toBe('')
    expect(stderr.trimEnd().split('\n')).toHaveLength(4)
  })

  // promise: 13
  test('nothing can be launched in what still lacks what a build adds, as its root is not sealed', async () => {
    const envelope = await openBase()
    try {
      const ignore = { kind: 'ignore' } as const
      const failed = new Promise((resolve) => {
        const job = expectJob({ ended: ({ failure }) => resolve(failure) })
        binding().start(envelope, packJob(job, { argv: ['true'], env: {}, cwd: '/', stdio: [ignore, ignore, ignore], maxBuffer: 0 }, plainFrame))
      })
      expect(await failed).toMatchObject({ code: 'EINVAL', step: 'launch', detail: 'the session is not complete' })
    } finally {
      await envelope.close()
    }
  })

  test('serves each build with a session of its own, also more builds at once than are ready', async () => {
    const before = await hostState()
    {
      await using pool = await SessionPool.open({}, { size: 2 })
      const one = async (text: string): Promise<string> => {
        await using session = await pool.acquire()
        return (await session.run(['sh', '-c', `ls -A /tmp; echo ${text} > /tmp/left; cat /tmp/left`])).stdout
      }
      expect(await Promise.all(['a', 'b', 'c', 'd'].map(one))).toEqual(['a', 'b', 'c', 'd'])
      await expect.poll(() => pool.ready).toBe(2)
      expect(await one('e')).toBe('e')
    }
    await expectSameState(before)
  })

  test('an addition that cannot be is one error, leaves nothing, and the pool goes on', async () => {
    await using pool = await SessionPool.open({}, { size: 1 })
    await expect.poll(() => pool.ready).toBe(1)
    const before = await hostState()
    await using holder = await openSession({ output: folders.output })
    expect(await rejected(pool.acquire({ output: folders.output }))).toMatchObject({ code: 'EBUSY', step: 'output-lease' })
    expect(await rejected(pool.acquire({ inputs: { src: '/no/such/source' } }))).toBeInstanceOf(SpecError)
    expect(await rejected(pool.acquire({ inputs: { '/usr/bin/x': folders.input } }))).toBeInstanceOf(SpecError)
    const settled: object = { network: 'host' }
    expect(await rejected(pool.acquire(settled))).toMatchObject({ entry: 'network', message: 'network: cannot be added: it is settled by the base' })
    await holder.close()
    await expect.poll(() => pool.ready).toBe(1)
    await expectSameButForIds(before)
    await using session = await pool.acquire({ output: folders.output })
    await session.run(['touch', '/output/made'])
    expect(readFileSync(path.join(folders.output, 'made'), 'utf8')).toBe('')
  })

  test('a source exchanged for a link after it was planned is refused, here too', async () => {
    await using pool = await SessionPool.open({}, { size: 1 })
    const source = path.join(folders.top, 'source')
    mkdirSync(source)
    setConcurrency({ maxSessions: 1 })
    onTestFinished(() => setConcurrency())
    const held = await openSession({})
    const acquiring = pool.acquire({ inputs: { source } })
    // Planned after the first, which waits for its turn.
    await rejected(pool.acquire({ inputs: { absent: path.join(folders.top, 'absent') } }))
    renameSync(source, path.join(folders.top, 'moved'))
    symlinkSync('/etc', source)
    await held.close()
    expect(await rejected(acquiring)).toMatchObject({ step: 'pin-source' })
    rmSync(source)
  })

  test.each([['unattended', {}], ['with a timeout', { timeout: 50_000 }]])('runs a command in a session of its own, which then goes (%s)', async (_, options) => {
    const before = await hostState()
    {
      await using pool = await SessionPool.open({}, { size: 1 })
      const additions = { inputs: { src: folders.input }, output: folders.output, env: { A: 'b' } }
      const run = (script: string): ReturnType<typeof pool.run> => pool.run(additions, ['sh', '-c', script], options)
      expect((await run('ls -A /tmp; touch /tmp/left; cp /inputs/src/given.txt /output/; echo "$A"')).stdout).toBe('b')
      expect(readFileSync(path.join(folders.output, 'given.txt'), 'utf8')).toBe(readFileSync(path.join(folders.input, 'given.txt'), 'utf8'))
      expect(await rejected(run('ls -A /tmp; exit 3'))).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', exitCode: 3, stdout: '' })
      expect(await rejected(pool.run(additions, ['no-such-command'], options))).toMatchObject({ code: 'ENOENT', syscall: 'execve' })
    }
    expect(statSync(folders.output).uid).toBe(process.geteuid?.())
    await expectSameState(before)
  })

  test('runs nothing where the addition cannot be, and says why', async () => {
    await using pool = await SessionPool.open({}, { size: 1 })
    await using holder = await openSession({ output: folders.output })
    // With what was ready, and with a session of its own.
    for (const ready of [1, 0]) {
      expect(pool.ready).toBe(ready)
      expect(await rejected(pool.run({ output: folders.output }, ['true']))).toMatchObject({ code: 'EBUSY', step: 'output-lease' })
    }
    await holder.close()
  })

  test('a session that is released is taken away while its owner goes on, and once', async () => {
    const before = await hostState()
    const pool = await SessionPool.open({}, { size: 1 })
    const session = await pool.acquire({ output: folders.output })
    await once(session.spawn(['sleep', '100'], { stdio: ['ignore', 'ignore', 'ignore'] }), 'spawn')
    pool.release(session)
    expect(() => pool.release(session)).toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' }))
    expect(await rejected(session.run(['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
    // What it had is nobody else's meanwhile, and so is not refused.
    await build({ output: folders.output }, ['touch', '/output/made'])
    await pool.close()
    expect(statSync(folders.output).uid).toBe(process.geteuid?.())
    await expectSameState(before)
  })

  test('throws away what has waited too long, for new ones', async () => {
    await using pool = await SessionPool.open({}, { size: 1, maxAge: 100 })
    const { id } = await pool.acquire().then(async (session) => (await session.close(), session))
    await expect.poll(() => pool.ready).toBe(1)
    // Three times the age that it may have.
    await new Promise((resolve) => setTimeout(resolve, 300))
    await expect.poll(() => pool.ready).toBe(1)
    await using session = await pool.acquire()
    expect(session.id).not.toBe(id)
    expect((await session.run(['echo', 'fresh'])).stdout).toBe('fresh')
  })

  test('an output in the base is refused, as it can be of one session only', async () => {
    const error = await rejected(SessionPool.open({ output: folders.output }))
    expect(error).toBeInstanceOf(SpecError)
    expect(error).toMatchObject({ entry: 'output' })
  })

  test('a process that ends with a pool open leaves nothing', async () => {
    const before = await hostState()
    const script = `import(${JSON.stringify(entry)}).then(({ SessionPool }) => SessionPool.open({}, { size: 3 }))`
    const ended = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 50_000 })
    expect([ended.status, ended.signal, ended.stderr]).toEqual([0, null, ''])
    await expectSameState(before)
  })

  test('what native code is given as the rest of a plan can be nothing but directories, files and binds', async () => {
    const envelope = await openBase()
    try {
      // One step: to mount procfs at /a.
      const rest = new Uint8Array([1, 0, 0, 0, 5, 2, 0, 0, 0, 0x2f, 0x61])
      expect(() => binding().start(envelope, packJob(1, undefined, { ...plainFrame, rest }))).toThrow(expect.objectContaining({ code: 'EINVAL' }))
    } finally {
      await envelope.close()
    }
  })
})
