import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

describeSession('a process that ends with sessions open leaves nothing', () => {
  const folders = useFolders()

  // Each has one session with a command running in it, one that is idle, and ends in its own way.
  const endings = [
    ['by process.exit()', 'process.exit(3)', 3],
    ['by an uncaught exception', 'setTimeout(() => { throw new Error("unexpected") })', 1],
    ['by a rejection that nobody handles', 'Promise.reject(new Error("unexpected"))', 1],
    ['by an error of a command that no listener hears', 'idle.spawn(["no-such-program"])', 1],
    ['by what a listener of a command throws', 'throw new Error("unexpected")', 1],
    ['by process.exit() while another session is being opened', 'openSession({}); process.exit(4)', 4],
    ['by process.exit() while a command is being started', 'idle.run(["true"]); process.exit(5)', 5],
    ['by process.exit() while a session is being closed', 'idle.close(); process.exit(6)', 6],
  ] as const
  test.each(endings)('%s', async (_, ending, status) => {
    const before = await hostState()
    const script = `
      import(${JSON.stringify(entry)}).then(async ({ openSession }) => {
        const idle = await openSession({})
        const busy = await openSession({ output: ${JSON.stringify(folders.output)} })
        const child = busy.spawn(['sleep', '100'], { stdio: ['ignore', 'ignore', 'ignore'] })
        child.once('spawn', () => { ${ending} })
      })`
    const ended = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 50_000 })
    expect([ended.status, ended.signal]).toEqual([status, null])
    await expectSameState(before)
  })

  test('by having nothing more to do, with a session that was never closed', async () => {
    const before = await hostState()
    const script = `import(${JSON.stringify(entry)}).then(({ openSession }) => openSession({}))`
    const ended = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 50_000 })
    expect([ended.status, ended.signal, ended.stderr]).toEqual([0, null, ''])
    await expectSameState(before)
  })
})
