import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, planOf, SessionPool, setConcurrency } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

describeSession('an output folder that is missing', () => {
  const folders = useFolders()

  test('is made with what is missing above it, as the caller’s own, and stays', async () => {
    const out = path.join(folders.top, 'deep', 'er', 'out')
    const umask = process.umask(0o027)
    try {
      const plan = planOf({ output: out })
      expect(existsSync(path.join(folders.top, 'deep'))).toBe(false)
      await build(plan, ['touch', '/output/made'])
    } finally {
      process.umask(umask)
    }
    expect(readdirSync(out)).toEqual(['made'])
    const { uid, gid } = statSync(folders.top)
    for (const made of ['deep', 'deep/er', 'deep/er/out']) {
      const { mode, ...stats } = statSync(path.join(folders.top, made))
      expect([mode & 0o777, stats.uid, stats.gid]).toEqual([0o750, uid, gid])
    }
    await build({ output: out }, ['touch', '/output/more'])
    expect(readdirSync(out).toSorted()).toEqual(['made', 'more'])
  })

  test('is refused where none is to be made, also one that goes after it was planned', async () => {
    const absent = path.join(folders.top, 'absent', 'out')
    const missing = expect.objectContaining({ code: 'ERR_BUILDJAIL_SOURCE_MISSING', entry: 'output' }) as Error
    await expect(openSession({ output: absent }, { makeOutputs: false })).rejects.toThrow(missing)
    const pool = await SessionPool.open({})
    try {
      await expect(pool.acquire({ output: absent }, { makeOutputs: false })).rejects.toThrow(missing)
      expect(existsSync(path.dirname(absent))).toBe(false)
      const session = await pool.acquire({ output: folders.output }, { makeOutputs: false })
      await session.close()
    } finally {
      await pool.close()
    }
    const plan = planOf({ output: folders.output })
    rmSync(folders.output, { recursive: true })
    await expect(openSession(plan, { makeOutputs: false })).rejects.toThrow('ENOENT')
    expect(existsSync(folders.output)).toBe(false)
    await expect(openSession({}, { makeOutputs: 'no' as never })).rejects.toThrow('makeOutputs: must be true or false')
  })

  test('may lie in an input of the same session, at its own place there', async () => {
    const dist = path.join(folders.input, 'packages', 'dist')
    const spec = { inputs: { '/w': folders.input }, outputs: { '/w/packages/dist': dist }, cwd: '/w' }
    await build(spec, ['sh', '-c', 'echo made > packages/dist/made; ! echo no > no'])
    expect(readdirSync(dist)).toEqual(['made'])
    rmSync(path.join(folders.input, 'packages'), { recursive: true })
    // Anywhere else there is nothing to mount it on.
    for (const target of ['/w/packages', '/w/packages/dist/x', '/w/other']) {
      expect(() => planOf({ ...spec, outputs: { [target]: dist } })).toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND' }) as Error)
    }
    expect(readdirSync(folders.input)).toEqual(['given.txt'])
  })

  test('is made again for the same plan, for stores and of a pool too', async () => {
    const out = path.join(folders.top, 'out')
    const store = path.join(folders.top, 'store')
    const plan = planOf({ output: out, stores: { '/store': store } })
    for (let time = 0; time < 2; time += 1) {
      await build(plan, ['touch', '/output/made', '/store/made'])
      for (const folder of [out, store]) {
        expect(readdirSync(folder)).toEqual(['made'])
        rmSync(folder, { recursive: true })
      }
    }
    await using pool = await SessionPool.open({}, { size: 1 })
    await pool.run({ output: out }, ['touch', '/output/made'])
    expect(readdirSync(out)).toEqual(['made'])
  })

  // promise: 16
  test('is not made through a link that was put in the way, nor where there is a file', async () => {
    const elsewhere = path.join(folders.top, 'elsewhere')
    mkdirSync(elsewhere)
    const way = path.join(folders.top, 'way')
    const plan = planOf({ output: path.join(way, 'out') })
    symlinkSync(elsewhere, way)
    await expect(build(plan, ['true'])).rejects.toMatchObject({ step: 'make-output', path: way })
    expect(readdirSync(elsewhere)).toEqual([])
    rmSync(way)
    writeFileSync(way, '')
    await expect(build(plan, ['true'])).rejects.toMatchObject({ step: 'make-output', path: way, code: 'ENOTDIR' })
    rmSync(way)
    symlinkSync('nothing', way)
    await expect(build({ output: way }, ['true'])).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING' })
  })

  test.skipIf(process.geteuid?.() === 0)('is an error that says why where the caller may make none', async () => {
    chmodSync(folders.output, 0o500)
    const out = path.join(folders.output, 'out')
    await expect(build({ output: out }, ['true'])).rejects.toMatchObject({ code: 'EACCES', step: 'make-output', path: out })
  })

  test('is not made for what is refused before its session opens', async () => {
    const out = path.join(folders.top, 'out')
    const signal = AbortSignal.abort(new Error('of the caller'))
    await using pool = await SessionPool.open({}, { size: 1 })
    await expect(build({ output: out }, ['true'], { cwd: 'relative' })).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND' })
    await expect(build({ output: out }, ['true'], { signal })).rejects.toThrow('of the caller')
    await expect(openSession({ output: out }, { signal })).rejects.toThrow('of the caller')
    await expect(pool.run({ output: out }, ['true'], { signal })).rejects.toThrow('of the caller')
    await expect(pool.acquire({ output: out }, { signal })).rejects.toThrow('of the caller')
    setConcurrency({ maxSessions: 1, queue: 0 })
    try {
      await using session = await openSession({})
      expect((await session.run(['echo', 'here'])).stdout).toBe('here')
      const refused = await Promise.all([build({ output: out }, ['true']), openSession({ output: out })].map((one) => rejected(one)))
      expect(refused).toMatchObject([{ code: 'ERR_BUILDJAIL_QUEUE_FULL' }, { code: 'ERR_BUILDJAIL_QUEUE_FULL' }])
    } finally {
      setConcurrency()
    }
    expect(existsSync(out)).toBe(false)
  })
})
