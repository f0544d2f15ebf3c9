import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

import { mountTable, nmount, unmount } from '../../src/freebsd/index.ts'
import { build, BuildTeardownError, openSession, recover, TeardownError, type Session } from '../../src/index.ts'
import { HolderProcess, holderProgram } from '../probe/holder-process.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

async function failureOf(closing: Promise<unknown>): Promise<TeardownError> {
  const error: unknown = await closing.then(() => undefined, (reason: unknown) => reason)
  expect(error).toBeInstanceOf(TeardownError)
  return error as TeardownError
}

/** Where the output of the one session that has it is mounted. */
async function mountOf(output: string): Promise<string> {
  const found = async (): Promise<string | undefined> => (await mountTable()).find(({ from }) => from === output)?.on
  await expect.poll(found, { timeout: 20_000 }).toBeDefined()
  return (await found()) ?? ''
}

describeFreebsd('who keeps a session from being taken away is named', () => {
  const folders = useFolders()
  const open: { session?: Session; holder?: HolderProcess } = {}
  afterEach(async () => {
    await open.holder?.end()
    await open.session?.close()
    delete open.holder
    delete open.session
  })

  describe.skipIf(holderProgram === '')('by pid, command and what it has', () => {
    test.each([
      ['cwd', '/output', ''],
      ['cwd', '/output', '/folder'],
      ['root', '/output', '/folder'],
      ['open-file', '/output', '/log'],
      ['open-file', '/tmp', '/log'],
      ['open-file', '/dev', '/null'],
      ['mapping', '/tmp', '/log'],
      ['text', '/output', '/holder'],
      ['socket', '/tmp', '/bound'],
      ['cwd', '', ''],
    ])('a %s in %s%s; and when it is gone, closing again takes the rest away', async (kind, target, below) => {
      const before = await hostState()
      copyFileSync(holderProgram, path.join(folders.output, 'holder'))
      const session = (open.session = await openSession({ output: folders.output }))
      await session.run(['sh', '-c', 'echo log > /output/log; echo log > /tmp/log; mkdir /output/folder'])
      const { root } = await session.record()
      const on = root + target
      open.holder = await HolderProcess.start(kind, on + below, kind === 'text' ? on + below : holderProgram)
      const { pid } = open.holder

      const { errors } = await failureOf(session.close())
      const holders = [expect.objectContaining({ kind, pid, command: 'holder', path: on + below })]
      expect(errors).toMatchObject([{ code: 'EBUSY', step: 'unmount', path: on, holders: expect.arrayContaining(holders) as unknown }])
      expect(errors[0]?.holders?.map((holder) => holder.pid)).toEqual(errors[0]?.holders?.map(() => pid))
      expect(errors[0]?.detail).toContain(`pid ${pid} (holder): `)
      // Nothing else is left, and the output is its owner's again.
      const mounts = (await mountTable()).map((mount) => mount.on).filter((mount) => mount.startsWith(root))
      expect(mounts).toEqual(target === '' ? [root] : [root, on])
      expect(statSync(folders.output).uid).toBe(process.geteuid?.())

      await open.holder.end()
      await session.close()
      await expectSameState(before)
    })

    test('a socket that was made in the jail and handed out: what was mounted is gone all the same', async () => {
      const before = await hostState()
      const session = (open.session = await openSession({ inputs: { holder: path.dirname(holderProgram) } }))
      const { root } = await session.record()
      const passed = session.run(['/inputs/holder/holder', 'pass', '/tmp/way'])
      await expect.poll(() => existsSync(`${root}/tmp/way`), { timeout: 20_000 }).toBe(true)
      open.holder = await HolderProcess.start('receive', `${root}/tmp/way`)
      await passed

      const { errors } = await failureOf(session.close())
      const holders = [{ kind: 'socket', pid: open.holder.pid, command: 'holder' }]
      expect(errors).toMatchObject([{ code: 'EBUSY', step: 'jail-dying', holders }])
      const { mounts, stateFolder } = await hostState()
      expect({ mounts, stateFolder }).toEqual({ mounts: before.mounts, stateFolder: before.stateFolder })

      await open.holder.end()
      await session.close()
      await expectSameState(before)
    })

    test('a tracer that does not let a process end', async () => {
      const before = await hostState()
      const session = (open.session = await openSession({}))
      const traced = Number((await session.run(['sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo $!'])).stdout)
      // Forked, but not its own program yet, it would have the shell's name.
      const command = (): string => spawnSync('ps', ['-o', 'comm=', '-p', String(traced)], { encoding: 'utf8' }).stdout.trim()
      await expect.poll(command, { timeout: 20_000 }).toBe('sleep')
      open.holder = await HolderProcess.start('tracer', String(traced))

      const { errors } = await failureOf(session.close())
      expect(errors).toMatchObject([
        {
          step: 'empty-jail',
          holders: [
            { kind: 'process', pid: traced, command: 'sleep' },
            { kind: 'tracer', pid: open.holder.pid, command: 'holder' },
          ],
        },
      ])

      await open.holder.end()
      await session.close()
      await expectSameState(before)
    })

    test('and shared memory that a build did not remove keeps no jail', async () => {
      const before = await hostState()
      const session = (open.session = await openSession({ inputs: { holder: path.dirname(holderProgram) } }))
      await session.run(['/inputs/holder/holder', 'shared-memory', '/left'])
      await session.close()
      await expectSameState(before)
    })
  })

  test('a mount of somebody else in it', async () => {
    const before = await hostState()
    const session = (open.session = await openSession({ output: folders.output }))
    await session.run(['mkdir', '/output/folder'])
    const on = `${(await session.record()).root}/output`
    await nmount({ fstype: 'tmpfs', fspath: `${on}/folder` })
    try {
      const { errors } = await failureOf(session.close())
      expect(errors).toMatchObject([{ code: 'EBUSY', path: on, holders: [{ kind: 'mount', path: `${on}/folder` }] }])
    } finally {
      await unmount(`${on}/folder`)
    }
    await session.close()
    await expectSameState(before)
  })
})

describeFreebsd('a build whose session could not be taken away still tells how it went', () => {
  const folders = useFolders()
  const script = 'echo built > /output/made; until [ -e /output/go ]; do sleep 0.05; done; echo said; exit 3'

  test.skipIf(holderProgram === '')('by build(), in its error', async () => {
    const before = await hostState()
    const building = build({ output: folders.output }, ['sh', '-c', script])
    building.catch(() => {})
    const on = await mountOf(folders.output)
    await using holder = await HolderProcess.start('cwd', on)
    writeFileSync(path.join(folders.output, 'go'), '')
    const error = await failureOf(building)
    expect(error).toBeInstanceOf(BuildTeardownError)
    expect(error).toMatchObject({ exitCode: 3, stdout: 'said', errors: [{ holders: [{ pid: holder.pid }] }] })
    await holder.end()
    await (error as BuildTeardownError).session.close()
    await expectSameState(before)
  })

  test.skipIf(holderProgram === '')('by the command line, in its status; and stderr names the holder', async () => {
    const before = await hostState()
    const child = spawn(process.execPath, [main, 'run', '--output', folders.output, '--', 'sh', '-c', script])
    const [out, err, ended] = [text(child.stdout), text(child.stderr), once(child, 'exit')]
    const on = await mountOf(folders.output)
    await using holder = await HolderProcess.start('cwd', on)
    writeFileSync(path.join(folders.output, 'go'), '')
    expect((await ended)[0]).toBe(3)
    expect(await out).toBe('said\n')
    expect(await err).toContain(`held by pid ${holder.pid} (holder): cwd ${on}`)
    await holder.end()
    // Nobody else can close the session of a process that is over.
    expect(await recover()).toMatchObject({ leftAlone: [] })
    await expectSameState(before)
  })
})
