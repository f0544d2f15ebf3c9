import { mkdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, planOf, SpecError, SystemCallError } from '../../src/index.ts'
import { mkfifo } from './fifo.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'

describeSession('a failure is one typed error, runs nothing and leaves nothing', () => {
  const folders = useFolders()

  const fails = async (act: () => Promise<unknown>): Promise<unknown> => {
    const before = await hostState()
    const error = await act().then(
      () => expect.unreachable('it did not fail'),
      (reason: unknown) => reason,
    )
    await expectSameState(before)
    return error
  }

  test('a missing command', async () => {
    const error = await fails(() => build({ output: folders.output }, ['no-such-command', 'x']))
    expect(error).toBeInstanceOf(SystemCallError)
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'execve', step: 'execve', path: 'no-such-command' })
  })

  test('a command that may not be executed', async () => {
    const error = await fails(() => build({ inputs: { src: folders.input } }, ['/inputs/src/given.txt']))
    expect(error).toMatchObject({ code: 'EACCES', syscall: 'execve', step: 'execve', path: '/inputs/src/given.txt' })
  })

  test('a working directory that is not there', async () => {
    const error = await fails(() => build({ cwd: '/inputs/none', inputs: { src: folders.input } }, ['true']))
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'chdir', step: 'chdir', path: '/inputs/none' })
  })

  test('a source that vanished between plan and session', async () => {
    const plan = planOf({ inputs: { src: folders.input } })
    rmSync(folders.input, { recursive: true })
    const error = await fails(() => build(plan, ['true']))
    expect(error).toBeInstanceOf(SystemCallError)
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2, syscall: expect.stringMatching(/^(open|openat|open_tree|lstat)$/) as string, step: 'pin-source', path: folders.input })
  })

  test('a source that became another directory between plan and session', async () => {
    const plan = planOf({ inputs: { src: folders.input } })
    renameSync(folders.input, path.join(folders.top, 'moved'))
    mkdirSync(folders.input)
    expect(await fails(() => build(plan, ['true']))).toMatchObject({ code: 'ESTALE', step: 'pin-source', path: folders.input })
  })

  test('a plan refused', async () => {
    const error = await fails(() => build({ inputs: { '/tmp/../etc': folders.input } }, ['true']))
    expect(error).toBeInstanceOf(SpecError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_NOT_NORMAL', step: 'plan', entry: 'inputs./tmp/../etc' })
  })

  test('an output that another live session writes to', async () => {
    await using first = await openSession({ output: folders.output })
    const error = await fails(() => build({ output: folders.output }, ['true']))
    expect(error).toMatchObject({ code: 'EBUSY', step: 'output-lease', path: folders.output, remedy: expect.stringContaining('one session with all of the outputs') as string })
    expect((await first.run(['touch', '/output/still-mine'])).exitCode).toBe(0)
  })

  test('a log file in a folder that is not there', async () => {
    const file = path.join(folders.top, 'none', 'log')
    const error = await fails(() => build({}, ['true'], { stdout: { file } }))
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open', step: 'stdio', path: file })
  })

  test('a log that is a fifo which nobody reads', async () => {
    const fifo = mkfifo(path.join(folders.top, 'fifo'))
    const error = await fails(() => build({}, ['true'], { stdout: { file: fifo } }))
    expect(error).toMatchObject({ code: 'ENXIO', syscall: 'open', step: 'stdio', path: fifo })
  })

  test('a directory as stdin', async () => {
    const error = await fails(() => build({}, ['true'], { stdin: { file: folders.input } }))
    expect(error).toMatchObject({ code: 'EISDIR', step: 'stdio', path: folders.input })
  })

  test('a session that is closed', async () => {
    const session = await openSession({})
    await session.close()
    const error = await fails(() => session.run(['true']))
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
    await session.close()
  })

  test('a command that could not start leaves the session usable', async () => {
    await using session = await openSession({})
    await expect(session.run(['no-such-command'])).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await session.run(['echo', 'still'])).stdout).toBe('still')
  })
})
